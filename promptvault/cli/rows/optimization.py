"""JSON rows of optimizations."""

from promptvault.cli.record import FindName
from promptvault.cli.rows.prompts import Row, time_row
from promptvault.services.optimization.result import (
    OptimizationResult,
    candidate_record,
    cases_record,
    rating_record,
)
from promptvault.services.optimization.rubric import MOST_TOTAL, total_points
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.vault.activity.optimizations import OptimizationEntry


def optimization_row(found: OptimizationResult, saved: Saved | None) -> Row:
    """Return an optimization as `optimize --json` prints it, without its cost."""
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
        "before": total_points(found.before),
        "after": total_points(winner.rating) if winner and winner.rating else None,
        "most": MOST_TOTAL,
        "scores": rating_record(found.before),
        "candidates": [
            candidate_record(candidate) | {"text": candidate.text}
            for candidate in found.candidates
        ],
        "rounds": found.rounds,
        "cases": cases_record(found),
        "doubt": found.doubt or None,
        "best": found.candidates.index(winner) if winner else None,
        "diff": "".join(f"{line}\n" for line in found.difference()),
        "new_version": saved.prompt.version if saved and is_saved else None,
    }


def optimization_entry_row(entry: OptimizationEntry, name: FindName) -> Row:
    """Return an optimization as `optimizations --json` prints it."""
    done = entry.optimization
    return {
        "id": entry.id,
        "name": name(done.prompt_id),
        "prompt_id": done.prompt_id,
        "version": done.version,
        "version_id": done.version_id,
        "new_version": entry.new_version,
        "new_version_id": entry.new_version_id,
        "created_at": time_row(done.created_at),
        "model": done.model,
        "judge": done.judge,
        "goal": done.goal,
        "before": done.before_points,
        "after": done.after_points,
        "scores": done.scores,
        "candidates": done.candidates,
        "cases": done.cases,
        "doubt": done.doubt or None,
        "requests": done.requests,
        "cached": done.cached,
        "input_tokens": done.input_tokens,
        "output_tokens": done.output_tokens,
        "cost_usd": done.cost,
        "seconds": done.seconds,
    }
