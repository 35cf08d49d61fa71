"""Drawing optimizations for people, and their rows for scripts."""

from collections.abc import Iterable, Iterator
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.record import Name
from promptvault.cli.render.model import money
from promptvault.cli.render.prompts import difference, moment
from promptvault.cli.render.table import Column, table
from promptvault.domain.timestamp import to_text
from promptvault.services.optimization.optimize import (
    Candidate,
    Result,
    candidate_row,
    rating_row,
)
from promptvault.services.optimization.rubric import CRITERIA, MOST_TOTAL, total
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.vault.activity.optimizations import Entry


def result(found: Result) -> None:
    """Print the scores, what became of each candidate, and the diff to the best."""
    _scores(found)
    _candidates(found)
    difference(found.difference())
    if found.winner is None:
        terminal.note(
            f"No candidate is better: version {found.task.version.number} of"
            f" {found.task.prompt.name} stays as it is."
        )


def _scores(found: Result) -> None:
    columns = (
        Column("Criterion", "cyan", wrap=False),
        Column("Before", numeric=True),
        Column("After", numeric=True),
        Column("Why"),
    )
    table(columns, _score_lines(found), "")


def _score_lines(found: Result) -> Iterator[tuple[str, ...]]:
    before, after = found.before, found.winner.rating if found.winner else None
    for name in CRITERIA:
        new = after[name] if after else None
        why = (new or before[name]).reason
        yield name, f"{before[name].points:g}", f"{new.points:g}" if new else "", why
    yield (
        "total",
        f"{total(before):g}",
        f"{total(after):g}" if after else "",
        f"of {MOST_TOTAL}",
    )


def _candidates(found: Result) -> None:
    columns = (
        Column("Candidate", "cyan", numeric=True, wrap=False),
        Column("Total", numeric=True),
        Column("What changed, or why it is refused"),
    )
    lines = (
        (str(number), *_candidate_cells(candidate, is_best=candidate is found.winner))
        for number, candidate in enumerate(found.candidates, 1)
    )
    table(columns, lines, "")


def _candidate_cells(candidate: Candidate, *, is_best: bool) -> tuple[str, str]:
    if candidate.refused or not candidate.rating:
        return "refused", "; ".join(candidate.refused)
    star = " ★" if is_best else ""
    return f"{total(candidate.rating):g}{star}", candidate.change


def result_row(found: Result, saved: Saved | None) -> dict[str, Any]:
    """Return an optimization as `optimize --json` has it, but for what it cost."""
    winner, version = found.winner, found.task.version
    is_saved = saved is not None and saved.outcome is Outcome.CHANGED
    return {
        "id": found.id,
        "name": found.task.prompt.name,
        "prompt_id": found.task.prompt.id,
        "version": version.number,
        "version_id": version.id,
        "model": found.model,
        "judge": found.judge,
        "goal": found.task.goal,
        "before": total(found.before),
        "after": total(winner.rating) if winner and winner.rating else None,
        "most": MOST_TOTAL,
        "scores": rating_row(found.before),
        "candidates": [
            candidate_row(candidate) | {"text": candidate.text}
            for candidate in found.candidates
        ],
        "best": found.candidates.index(winner) if winner else None,
        "diff": "".join(f"{line}\n" for line in found.difference()),
        "new_version": saved.prompt.version if saved and is_saved else None,
    }


def entries(found: Iterable[Entry], name: Name) -> None:
    """Print the record of optimizations."""
    columns = (
        Column("Id", "cyan", numeric=True),
        Column("When", "dim", wrap=False),
        Column("Prompt", "cyan"),
        Column("Model", wrap=False, spare=2),
        Column("Points", numeric=True, wrap=False),
        Column("Saved as", numeric=True, wrap=False),
        Column("Tokens", numeric=True, wrap=False, spare=3),
        Column("Cost", numeric=True, wrap=False, spare=1),
        Column("Goal", flexible=True),
    )
    lines = (_line(entry, name(entry.optimization.prompt_id)) for entry in found)
    table(columns, lines, "Nothing was optimized yet: 'promptvault optimize NAME'.")


def _line(entry: Entry, name: str | None) -> tuple[str, ...]:
    done = entry.optimization
    critic = "" if done.judge == done.model else f", judge {done.judge}"
    after = "" if done.after_points is None else f" → {done.after_points:g}"
    return (
        str(entry.id),
        moment(done.created_at),
        f"{name or done.prompt_id}@{done.version}",
        done.model + critic,
        f"{done.before_points:g}{after}",
        "" if entry.new_version is None else f"@{entry.new_version}",
        f"{done.input_tokens + done.output_tokens:,}",
        money(done.cost),
        done.goal,
    )


def entry_row(entry: Entry, name: Name) -> dict[str, Any]:
    """Return an optimization as `optimizations --json` has it."""
    done = entry.optimization
    return {
        "id": entry.id,
        "name": name(done.prompt_id),
        "prompt_id": done.prompt_id,
        "version": done.version,
        "version_id": done.version_id,
        "new_version": entry.new_version,
        "new_version_id": entry.new_version_id,
        "created_at": to_text(done.created_at),
        "model": done.model,
        "judge": done.judge,
        "goal": done.goal,
        "before": done.before_points,
        "after": done.after_points,
        "scores": done.scores,
        "candidates": done.candidates,
        "requests": done.requests,
        "cached": done.cached,
        "input_tokens": done.input_tokens,
        "output_tokens": done.output_tokens,
        "cost_usd": done.cost,
        "seconds": done.seconds,
    }
