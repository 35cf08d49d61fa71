"""The result of an optimization: the candidates, and which of them can be defended."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from promptvault.domain.prompt import short_line
from promptvault.services.optimization.case_set import Baseline, CaseScore
from promptvault.services.optimization.rewrite import OptimizationTask
from promptvault.services.optimization.rubric import (
    MOST_TOTAL,
    Rating,
    total_points,
)
from promptvault.services.prompts.diff import unified_diff

_LONGEST_GOAL = 200
"""Characters of the goal in the message of the new version."""


class RatedCandidate(NamedTuple):
    """A proposed text, and its rating or the reasons for its refusal."""

    text: str
    change: str
    """The difference, in one sentence by the model."""
    refused: tuple[str, ...] = ()
    """Why it was not judged; empty if it was."""
    rating: Rating | None = None
    """None if the text was refused, and so not judged."""
    round: int = 1
    """The round in which it was proposed."""
    shown: CaseScore | None = None
    """Its score on the cases that the model was shown; None if it was not tried."""
    held_apart: CaseScore | None = None
    """Its score on the cases that the model was not shown; None if it was not tried."""


class OptimizationResult(NamedTuple):
    """The result of an optimization."""

    task: OptimizationTask
    model: str
    judge: str
    before: Rating
    """Rating of the current text, from the same round as the candidates."""
    candidates: tuple[RatedCandidate, ...]
    id: int | None = None
    """Its number in the activity database; None if that could not be written."""
    baseline: Baseline | None = None
    """None if there are no cases."""
    doubt: str = ""
    """Why the ratings prove nothing, as the end of a sentence; '' if they do."""

    @property
    def best(self) -> RatedCandidate | None:
        """The best candidate that is better than the current text, None without one.

        With cases, the number of passed cases that were held apart decides first.
        """
        rated = [(c, self._worth(c)) for c in self.candidates if c.rating]
        best = max(rated, key=lambda pair: pair[1], default=None)
        passed = self.baseline.before.held_apart.passed if self.baseline else 0
        now = (passed, total_points(self.before))
        return best[0] if best and best[1] > now else None

    @property
    def winner(self) -> RatedCandidate | None:
        """The candidate to recommend; None without one, or if the judge is in doubt."""
        return None if self.doubt else self.best

    @property
    def rounds(self) -> int:
        """The number of rounds."""
        return max((candidate.round for candidate in self.candidates), default=0)

    @property
    def message(self) -> str:
        """The message of the new version, '' without a winner."""
        winner = self.winner
        if winner is None or winner.rating is None:
            return ""
        goal = short_line(self.task.goal, _LONGEST_GOAL)
        begin = f"Optimize: {goal}" if goal else "Optimize"
        old, new = total_points(self.before), total_points(winner.rating)
        cases = ""
        if self.baseline:
            cases = f", cases {self.baseline.before.held_apart} -> {winner.held_apart}"
        return f"{begin} ({old:g} -> {new:g} of {MOST_TOTAL}{cases})"

    def difference(self) -> tuple[str, ...]:
        """Return the lines of a unified diff to the winner, none without a winner."""
        if self.winner is None:
            return ()
        prompt, version = self.task.prompt, self.task.version
        old, new = (
            f"{prompt.name}@{version.number}",
            f"{prompt.name}@{prompt.versions + 1}",
        )
        return tuple(unified_diff(version.body, self.winner.text, old, new))

    @staticmethod
    def _worth(candidate: RatedCandidate) -> tuple[int, float]:
        passed = candidate.held_apart.passed if candidate.held_apart else 0
        return passed, total_points(candidate.rating or {})


def candidate_record(candidate: RatedCandidate) -> dict[str, Any]:
    """Return a candidate as it is recorded: without its text."""
    rating = candidate.rating
    tried = {
        part: score._asdict()
        for part, score in (
            ("shown", candidate.shown),
            ("held_apart", candidate.held_apart),
        )
        if score
    }
    return {
        "round": candidate.round,
        "change": candidate.change,
        "refused": list(candidate.refused),
        "points": total_points(rating) if rating else None,
        "scores": rating_record(rating) if rating else None,
        "cases": tried or None,
    }


def rating_record(rating: Rating) -> dict[str, Any]:
    """Return a rating as it is recorded: points and reason by criterion."""
    return {name: score._asdict() for name, score in rating.items()}


def cases_record(result: OptimizationResult) -> dict[str, Any] | None:
    """Return the pass rates before and after as they are recorded; None without cases.

    `after` is None without a winner.
    """
    if result.baseline is None:
        return None
    (shown, held), before, _ = result.baseline
    winner = result.winner
    return {
        "shown": _part_record(shown.names, before.shown, winner and winner.shown),
        "held_apart": _part_record(
            held.names, before.held_apart, winner and winner.held_apart
        ),
    }


def _part_record(
    names: Sequence[str], before: CaseScore, after: CaseScore | None
) -> dict[str, Any]:
    return {
        "cases": list(names),
        "total": before.total,
        "before": before.passed,
        "after": after.passed if after else None,
    }
