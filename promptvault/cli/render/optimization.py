"""Output of `optimize` and `optimizations`."""

from collections.abc import Iterable, Iterator

from promptvault.cli import terminal
from promptvault.cli.record import FindName
from promptvault.cli.render.format import format_money, format_time
from promptvault.cli.render.prompts import print_diff
from promptvault.cli.render.table import Column, print_table
from promptvault.services.optimization.case_set import CaseScore
from promptvault.services.optimization.result import (
    OptimizationResult,
    RatedCandidate,
)
from promptvault.services.optimization.rubric import CRITERIA, MOST_TOTAL, total_points
from promptvault.vault.activity.optimizations import OptimizationEntry


def print_optimization(found: OptimizationResult) -> None:
    """Print the scores, the candidates, and the diff to the best one."""
    _scores(found)
    _cases(found)
    _candidates(found)
    print_diff(found.difference())
    if found.winner is None:
        terminal.note(
            f"{_why_none(found)}: version {found.task.version.number} of"
            f" {found.task.prompt.name} stays as it is."
        )


def _why_none(found: OptimizationResult) -> str:
    if not found.doubt:
        return "No candidate is better"
    return (
        f"This judge cannot tell these texts apart: {found.doubt}. Nothing is"
        " recommended; --judge names another model"
    )


def _scores(found: OptimizationResult) -> None:
    columns = (
        Column("Criterion", "cyan", wrap=False),
        Column("Before", numeric=True),
        Column("After", numeric=True),
        Column("Why"),
    )
    print_table(columns, _score_lines(found), "")


def _score_lines(found: OptimizationResult) -> Iterator[tuple[str, ...]]:
    before, after = found.before, found.winner.rating if found.winner else None
    for name in CRITERIA:
        new = after[name] if after else None
        why = (new or before[name]).reason
        yield name, f"{before[name].points:g}", f"{new.points:g}" if new else "", why
    yield (
        "total",
        f"{total_points(before):g}",
        f"{total_points(after):g}" if after else "",
        f"of {MOST_TOTAL}",
    )


def _cases(found: OptimizationResult) -> None:
    """Print the pass rates before and after."""
    if found.baseline is None:
        return
    columns = (
        Column("Cases", "cyan", wrap=False),
        Column("Before", numeric=True),
        Column("After", numeric=True),
    )
    before, winner = found.baseline.before, found.winner
    lines = (
        ("shown", str(before.shown), _score(winner and winner.shown)),
        ("held apart", str(before.held_apart), _score(winner and winner.held_apart)),
    )
    print_table(columns, lines, "")


def _score(score: CaseScore | None) -> str:
    return str(score) if score else ""


def _candidates(found: OptimizationResult) -> None:
    columns = [
        Column("Candidate", "cyan", numeric=True, wrap=False),
        Column("Total", numeric=True),
        Column("What changed, or why it is refused"),
    ]
    if found.baseline:
        columns[1:1] = [
            Column("Shown", numeric=True),
            Column("Held apart", numeric=True),
        ]
    lines = (_candidate_line(found, n) for n in range(len(found.candidates)))
    print_table(columns, lines, "")


def _candidate_line(found: OptimizationResult, index: int) -> tuple[str, ...]:
    candidate = found.candidates[index]
    cells = _candidate_cells(candidate, is_best=candidate is found.winner)
    if found.baseline is None:
        return str(index + 1), *cells
    tried = _score(candidate.shown), _score(candidate.held_apart)
    return str(index + 1), *tried, *cells


def _candidate_cells(candidate: RatedCandidate, *, is_best: bool) -> tuple[str, str]:
    if candidate.refused or not candidate.rating:
        return "refused", "; ".join(candidate.refused)
    star = " ★" if is_best else ""
    return f"{total_points(candidate.rating):g}{star}", candidate.change


def print_optimizations(found: Iterable[OptimizationEntry], name: FindName) -> None:
    """Print recorded optimizations."""
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
    print_table(
        columns, lines, "There are no optimizations yet: 'promptvault optimize NAME'."
    )


def _line(entry: OptimizationEntry, name: str | None) -> tuple[str, ...]:
    done = entry.optimization
    judge = "" if done.judge == done.model else f", judge {done.judge}"
    after = "" if done.after_points is None else f" → {done.after_points:g}"
    return (
        str(entry.id),
        format_time(done.created_at),
        f"{name or done.prompt_id}@{done.version}",
        done.model + judge,
        f"{done.before_points:g}{after}",
        "" if entry.new_version is None else f"@{entry.new_version}",
        f"{done.input_tokens + done.output_tokens:,}",
        format_money(done.cost),
        done.goal,
    )
