"""The search for candidates: in rounds, which learn from the cases that still fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from promptvault.domain.prompt import short_line
from promptvault.services.asking.cost import Estimate
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.trial import Trial
from promptvault.services.optimization.case_set import (
    Baseline,
    CaseScore,
    CaseTester,
    describe_failures,
    score_of,
)
from promptvault.services.optimization.guard import find_refusals
from promptvault.services.optimization.relevance import find_irrelevance
from promptvault.services.optimization.result import RatedCandidate
from promptvault.services.optimization.rewrite import (
    Basis,
    OptimizationTask,
    propose_rewrites,
    request_wording,
)
from promptvault.services.optimization.rubric import Rating

_MOST_TRIED = 10
_LONGEST_CHANGE = 200
"""Characters of what a candidate changed, when the model is reminded of it."""


@dataclass
class CandidateSearch:
    """A search for candidates: one round without cases."""

    model: Model
    task: OptimizationTask
    rating: Rating
    """The rating of the current text."""
    candidates: list[RatedCandidate] = field(default_factory=list)

    @property
    def current(self) -> str:
        """The text to improve."""
        return self.task.version.body

    def run(self) -> list[RatedCandidate]:
        """Return the candidates; raises what `ask_json` raises."""
        self.propose(Basis(self.current, self.rating), 1)
        return self.candidates

    def propose(self, basis: Basis, number: int) -> list[str]:
        """Add the candidates of a round, and return those texts that are not refused.

        Raises what `ask_json` raises.
        """
        wording = request_wording(self.task, basis)
        start = len(self.candidates)
        for rewrite in propose_rewrites(self.model, self.task, basis):
            refused = self._refusals(rewrite.text, wording)
            self.candidates.append(RatedCandidate(*rewrite, refused, round=number))
        return [c.text for c in self.candidates[start:] if not c.refused]

    def _refusals(self, text: str, wording: Sequence[str]) -> tuple[str, ...]:
        if any(text == other.text for other in self.candidates):
            return ("is the same as another candidate",)
        found = find_refusals(self.task.version.content, text)
        return found or find_irrelevance(self.current, text, wording)


class CaseSearch:
    """A search in rounds: each learns from the shown cases that still fail."""

    def __init__(
        self,
        search: CandidateSearch,
        tester: CaseTester,
        baseline: Baseline,
        notify: Callable[[str], None],
    ) -> None:
        self._search = search
        self._tester = tester
        self._baseline = baseline
        self._notify = notify
        self._trials: dict[str, Sequence[Trial]] = {
            search.current: baseline.shown_trials
        }
        """The results of texts on the shown cases."""

    def run(self, remaining: Estimate) -> list[RatedCandidate]:
        """Return the candidates of all rounds; those that were tried have a score.

        A further round begins only if the best text fails a shown case, and if the
        budget has enough for *remaining*: a round and the judgement after it. Raises
        what `ask_json` and `try_cases` raise.
        """
        rounds = self._search.task.rounds
        for number in range(1, rounds + 1):
            if number > 1 and not self._goes_on(number, remaining):
                break
            texts = self._search.propose(self._basis(), number)
            if texts:
                run = self._tester.try_texts(self._baseline.cases.shown, texts)
                self._trials |= zip(texts, run.trials, strict=True)
            self._notify(
                f"Round {number} of {rounds}: the best text passes"
                f" {self._score(self._leader())} of the cases that are shown."
            )
        return list(map(self._with_score, self._search.candidates))

    def _goes_on(self, number: int, remaining: Estimate) -> bool:
        score = self._score(self._leader())
        if score.passed == score.total:
            return False
        if self._search.model.affords(remaining):
            return True
        self._notify(f"The rest of the budget is too small for round {number}.")
        return False

    def _score(self, text: str) -> CaseScore:
        return score_of(self._trials[text])

    def _leader(self) -> str:
        """Return the text that passes the most shown cases, the newest of several."""
        return max(reversed(self._trials), key=lambda text: self._score(text).passed)

    def _basis(self) -> Basis:
        text = self._leader()
        shown = self._baseline.cases.shown
        others = [c for c in self._search.candidates if c.text != text]
        return Basis(
            text,
            self._search.rating if text == self._search.current else None,
            describe_failures(shown, self._trials[text]),
            [_reminder(candidate) for candidate in others[-_MOST_TRIED:]],
        )

    def _with_score(self, candidate: RatedCandidate) -> RatedCandidate:
        if candidate.refused:
            return candidate
        return candidate._replace(shown=self._score(candidate.text))


def _reminder(candidate: RatedCandidate) -> str:
    refused = f" (refused: it {candidate.refused[0]})" if candidate.refused else ""
    return short_line(candidate.change, _LONGEST_CHANGE) + refused


def choose_finalists(
    candidates: Sequence[RatedCandidate], before: CaseScore, most: int
) -> list[RatedCandidate]:
    """Return *candidates*, all but the *most* best ones on the shown cases refused.

    One that passes fewer of them than the current text did, *before*, is refused too.
    """
    fit = [c for c in candidates if c.shown and c.shown.passed >= before.passed]
    fit.sort(key=lambda c: -c.shown.passed if c.shown else 0)
    kept = {c.text for c in fit[:most]}
    return [
        c if c.refused or c.text in kept else c._replace(refused=(_loss(c, before),))
        for c in candidates
    ]


def _loss(candidate: RatedCandidate, before: CaseScore) -> str:
    if candidate.shown and candidate.shown.passed < before.passed:
        return f"passes {candidate.shown} of the shown cases; the current text {before}"
    return "passes fewer of the shown cases than others"


def try_held_apart(
    tester: CaseTester, baseline: Baseline, candidates: Sequence[RatedCandidate]
) -> list[RatedCandidate]:
    """Return *candidates* with scores on the cases that were held apart.

    One that passes fewer of them than the current text is refused. Raises what
    `try_cases` raises.
    """
    texts = [c.text for c in candidates if not c.refused]
    if not texts:
        return list(candidates)
    run = tester.try_texts(baseline.cases.held_apart, texts)
    scores = dict(zip(texts, map(score_of, run.trials), strict=True))
    before = baseline.before.held_apart
    return [
        candidate
        if candidate.refused
        else _held_apart(candidate, scores[candidate.text], before)
        for candidate in candidates
    ]


def _held_apart(
    candidate: RatedCandidate, score: CaseScore, before: CaseScore
) -> RatedCandidate:
    tried = candidate._replace(held_apart=score)
    if score.passed >= before.passed:
        return tried
    why = f"passes {score} of the cases held apart; the current text {before}"
    return tried._replace(refused=(why,))
