"""`optimize`: a prompt is rated, rewritten by a model, checked, and judged blind.

The judge sees the current text and the candidates only by number. It rates them twice:
in an order that depends on their contents, and in the reverse order. Judges favour
certain positions in a list; the two orders cancel that out, for one more request.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from promptvault.domain.chat import Request
from promptvault.domain.prompt import Prompt, short_line
from promptvault.domain.token import estimate_tokens
from promptvault.errors import VaultError
from promptvault.services.asking.cost import Estimate, Spent, total_estimate
from promptvault.services.asking.model import Model
from promptvault.services.optimization.guard import (
    find_refusals,
)
from promptvault.services.optimization.rewrite import (
    OptimizationTask,
    Rewrite,
    proposal_request,
    propose_rewrites,
)
from promptvault.services.optimization.rubric import (
    CRITERIA,
    MOST_TOTAL,
    Rating,
    Score,
    rate_texts,
    rating_request,
    total_points,
)
from promptvault.services.prompts.diff import unified_diff
from promptvault.services.prompts.edit import save_over
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.services.workspace import Workspace
from promptvault.vault.activity.optimizations import (
    OptimizationRecord,
    add_optimization,
    set_saved_version,
)
from promptvault.vault.reader import reading

_RATING_TOKENS = 250
"""Estimated tokens of the rating of one text."""
_GROWTH = 1.5
"""Estimated length of a rewritten prompt, relative to the original."""
_LONGEST_GOAL = 200
"""Characters of the goal in the message of the new version."""


class RatedCandidate(NamedTuple):
    """A proposed text, and its rating or the reasons for its refusal."""

    text: str
    change: str
    """The difference, in one sentence by the model."""
    refused: tuple[str, ...] = ()
    """The reasons of the guard; empty if the text is acceptable."""
    rating: Rating | None = None
    """None if the text was refused, and so not judged."""


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

    @property
    def winner(self) -> RatedCandidate | None:
        """The best candidate; None if no candidate is better than the current text."""
        rated = [(c, total_points(c.rating)) for c in self.candidates if c.rating]
        best = max(rated, key=lambda pair: pair[1], default=None)
        return best[0] if best and best[1] > total_points(self.before) else None

    @property
    def message(self) -> str:
        """The message of the new version, '' without a winner."""
        if self.winner is None or self.winner.rating is None:
            return ""
        goal = short_line(self.task.goal, _LONGEST_GOAL)
        begin = f"Optimize: {goal}" if goal else "Optimize"
        old, new = total_points(self.before), total_points(self.winner.rating)
        return f"{begin} ({old:g} -> {new:g} of {MOST_TOTAL})"

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


def optimize_prompt(
    workspace: Workspace,
    model: Model,
    judge: Model,
    task: OptimizationTask,
    notify: Callable[[str], None],
) -> OptimizationResult:
    """Have *model* rewrite a prompt and *judge* rate the texts; record the result.

    The prompt itself is not changed. If the record cannot be written, *notify* receives
    a sentence. Raises what `ask_json` raises; nothing is recorded then.
    """
    start = workspace.now()
    result = find_improvement(model, judge, task)
    seconds = (workspace.now() - start).total_seconds()
    row = _record(result, model.spent, start, seconds)
    try:
        return result._replace(id=add_optimization(workspace.paths.activity, row))
    except VaultError as error:
        notify(f"This optimization was not recorded: {error}")
        return result


def find_improvement(
    model: Model, judge: Model, task: OptimizationTask
) -> OptimizationResult:
    """Return the result of an optimization, without recording it."""
    content = task.version.content
    [current] = rate_texts(judge, [content.body], task.goal)
    candidates = _guarded(task, propose_rewrites(model, task, current))
    fit = [candidate.text for candidate in candidates if not candidate.refused]
    if fit:
        ratings = _rate_blind(judge, [content.body, *fit], task.goal)
        current = ratings[content.body]
        candidates = [
            c if c.refused else c._replace(rating=ratings[c.text]) for c in candidates
        ]
    return OptimizationResult(
        task, model.answered, judge.answered, current, tuple(candidates)
    )


def save_winner(
    workspace: Workspace,
    result: OptimizationResult,
    message: str | None,
    notify: Callable[[str], None],
) -> Saved:
    """Save the winner as the newest version of its prompt.

    Raises ConflictError if the prompt got another version since the task was prepared.
    """
    winner, prompt = result.winner, result.task.prompt
    if winner is None:
        return Saved(prompt, Outcome.UNCHANGED)
    content = result.task.version.content._replace(body=winner.text)
    saved = save_over(workspace, prompt, content, message or result.message)
    if saved.outcome is Outcome.CHANGED and result.id is not None:
        try:
            _record_saved(workspace, result.id, saved.prompt)
        except VaultError as error:
            notify(f"That it was saved is not in the record: {error}")
    return saved


def _record_saved(workspace: Workspace, number: int, prompt: Prompt) -> None:
    folders = workspace.paths
    with reading(folders.database, folders.usage) as reader:
        version = reader.current(prompt)
    set_saved_version(folders.activity, number, version.id, version.number)


def plan_optimization(
    model: Model, judge: Model, task: OptimizationTask
) -> tuple[Request, Estimate]:
    """Return the first request, and the estimated cost of the whole optimization."""
    body = task.version.content.body
    first = rating_request([body], task.goal)
    unrated = dict.fromkeys(CRITERIA, Score(0, "x" * 100))
    proposal = proposal_request(task, unrated)
    blind = rating_request([body] * (task.candidates + 1), task.goal)
    written = int(task.candidates * estimate_tokens(body) * _GROWTH)
    steps = (
        judge.estimate([first], _RATING_TOKENS),
        model.estimate([proposal], written),
        judge.estimate([blind] * 2, _RATING_TOKENS * (task.candidates + 1)),
    )
    return first, total_estimate(steps)


def _guarded(
    task: OptimizationTask, rewrites: Sequence[Rewrite]
) -> list[RatedCandidate]:
    """Return the proposed texts, each with the reasons of the guard."""
    candidates: list[RatedCandidate] = []
    for text, change in rewrites:
        refused = find_refusals(task.version.content, text)
        if any(text == other.text for other in candidates):
            refused = ("is the same as another candidate",)
        candidates.append(RatedCandidate(text, change, refused))
    return candidates


def _rate_blind(judge: Model, texts: Sequence[str], goal: str) -> dict[str, Rating]:
    """Return the rating of each text, averaged over two opposite orders."""
    order = blind_order(texts)
    orders = [order, order[::-1]]
    found = judge.each(lambda texts: rate_texts(judge, texts, goal), orders)
    first, second = (
        dict(zip(texts, ratings, strict=True))
        for texts, ratings in zip(orders, found, strict=True)
    )
    return {text: _average(first[text], second[text]) for text in order}


def blind_order(texts: Sequence[str]) -> list[str]:
    """Return distinct *texts* in an order that does not reveal their source.

    The order depends on the texts alone, so a repeated request is found in the cache.
    """
    seed = "\0".join(sorted(texts))

    def key(text: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{text}".encode()).digest()

    return sorted(texts, key=key)


def _average(first: Rating, second: Rating) -> Rating:
    """Return the mean of two ratings, with the reasons of the lower scores."""
    return {
        name: Score((one.points + other.points) / 2, min(one, other).reason)
        for name, one in first.items()
        for other in [second[name]]
    }


def _record(
    result: OptimizationResult, spent: Spent, start: datetime, seconds: float
) -> OptimizationRecord:
    winner, version = result.winner, result.task.version
    return OptimizationRecord(
        prompt_id=result.task.prompt.id,
        version_id=version.id,
        version=version.number,
        created_at=start,
        model=result.model,
        judge=result.judge,
        goal=result.task.goal,
        before_points=total_points(result.before),
        after_points=total_points(winner.rating) if winner and winner.rating else None,
        scores=rating_record(result.before),
        candidates=[candidate_record(candidate) for candidate in result.candidates],
        **asdict(spent),
        seconds=seconds,
    )


def candidate_record(candidate: RatedCandidate) -> dict[str, Any]:
    """Return a candidate as it is recorded: without its text."""
    rating = candidate.rating
    return {
        "change": candidate.change,
        "refused": list(candidate.refused),
        "points": total_points(rating) if rating else None,
        "scores": rating_record(rating) if rating else None,
    }


def rating_record(rating: Rating) -> dict[str, Any]:
    """Return a rating as it is recorded: points and reason by criterion."""
    return {name: score._asdict() for name, score in rating.items()}
