"""What evaluations found: drawn for a person, and as JSON for scripts."""

from collections.abc import Iterable
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.record import Name
from promptvault.cli.render import model as render_model
from promptvault.cli.render.prompts import count, moment
from promptvault.cli.render.table import Column, table
from promptvault.domain.timestamp import to_text
from promptvault.services.asking.model import Model
from promptvault.services.evaluation import evaluate
from promptvault.services.evaluation.check import Failure
from promptvault.services.evaluation.evaluate import Evaluation, Result, Trial
from promptvault.services.evaluation.plan import Plan
from promptvault.vault.activity.evaluations import Entry

_WORDS = {True: "passed", False: "failed", None: ""}


def plan(made: Plan, model: Model, judge: Model, *, as_json: bool) -> None:
    """Show what an evaluation would send, and about what it would take."""
    requests, estimate = evaluate.estimate(made, model, judge)
    render_model.plan(model, requests, estimate, as_json=as_json)
    judged = len(requests) - len(made.requests)
    if judged and not as_json:
        terminal.note(
            f"{count(judged, 'request')} of these would go to {judge.name}, which"
            " judges the answers that pass all other checks."
        )
    unfilled = [each for each in made.now.requests if isinstance(each, Failure)]
    if unfilled:
        cases = count(len(unfilled), "case")
        terminal.note(f"Without a request, {cases} would fail: {unfilled[0].reason}")


def evaluation(done: Evaluation) -> None:
    """Print a line for each case, and tell the totals on stderr."""
    columns = [Column("Case", "cyan"), Column("Result", wrap=False)]
    if done.plan.before:
        columns.insert(1, Column(f"@{done.plan.before.version.number}", "dim"))
    columns.append(Column("Why"))
    table(columns, map(_line, done.results), "")
    terminal.note(_summary(done))
    render_model.spent(done.spent)


def _line(result: Result) -> list[str]:
    why = "; ".join(f"{each.check}: {each.reason}" for each in result.now.failures)
    before = [_WORDS[result.before.passed]] if result.before else []
    return [result.case.name, *before, _word(result), why]


def _word(result: Result) -> str:
    if result.is_regression:
        return "regression"
    return "fixed" if result.is_fix else _WORDS[result.now.passed]


def _summary(done: Evaluation) -> str:
    made, total = done.plan, len(done.results)
    passed = sum(result.now.passed for result in done.results)
    name = f"{made.prompt.name}@{made.now.version.number}"
    line = f"{name} passes {passed:,} of {count(total, 'case')} with {done.model}"
    if not made.before:
        return f"{line}."
    worse = sum(result.is_regression for result in done.results)
    fixed = sum(result.is_fix for result in done.results)
    against = f"@{made.before.version.number}"
    return f"{line}; against {against}: {count(worse, 'regression')}, {fixed:,} fixed."


def evaluation_row(number: int | None, done: Evaluation) -> dict[str, Any]:
    """Return an evaluation as `eval --json` has it, answers and all."""
    made = done.plan
    results = done.results
    return {
        "id": number,
        "name": made.prompt.name,
        "prompt_id": made.prompt.id,
        "version": made.now.version.number,
        "version_id": made.now.version.id,
        "against_version": made.before.version.number if made.before else None,
        "system_version_id": made.system.id if made.system else None,
        "created_at": to_text(done.created_at),
        "model": done.model,
        "judge": done.judge or None,
        "cases_digest": made.suite.digest,
        "passed": done.passed,
        "cases": len(results),
        "cases_passed": sum(result.now.passed for result in results),
        "regressions": [each.case.name for each in results if each.is_regression],
        "fixed": [each.case.name for each in results if each.is_fix],
        "results": [_result_row(result) for result in results],
        "seconds": done.seconds,
    } | render_model.spent_row(done.spent)


def _result_row(result: Result) -> dict[str, Any]:
    return {
        "name": result.case.name,
        "regression": result.is_regression,
        **_trial_row(result.now),
        "before": _trial_row(result.before) if result.before else None,
    }


def _trial_row(trial: Trial) -> dict[str, Any]:
    answer = trial.answer
    return {
        "passed": trial.passed,
        "failures": [failure._asdict() for failure in trial.failures],
        "answer": answer.text if answer else None,
        "cut": answer.is_cut if answer else False,
        "cached": answer.cached if answer else False,
        "seconds": answer.seconds if answer else None,
        "output_tokens": answer.usage.output_tokens if answer else None,
    }


def entries(reference: str, found: Iterable[Entry]) -> None:
    """Print earlier evaluations of a prompt."""
    columns = (
        Column("Id", "dim", numeric=True),
        Column("When", "dim", wrap=False),
        Column("Version", "cyan", numeric=True),
        Column("Against", "dim", numeric=True),
        Column("Result", wrap=False),
        Column("Cases", numeric=True),
        Column("Model"),
        Column("Cost", "dim", numeric=True),
    )
    command = f"promptvault eval {reference} --cases FILE"
    empty = f"{reference} was never evaluated: {command!r}."
    table(columns, map(_entry_line, found), empty)


def _entry_line(entry: Entry) -> tuple[str, ...]:
    kept = entry.evaluation
    against = "" if kept.against_version is None else f"@{kept.against_version}"
    return (
        str(entry.id),
        moment(kept.created_at),
        f"@{kept.version}",
        against,
        _WORDS[kept.passed],
        f"{kept.passed_cases}/{len(kept.results)}",
        kept.model,
        render_model.money(kept.cost),
    )


def entry_row(entry: Entry, name: Name) -> dict[str, Any]:
    """Return an earlier evaluation as `eval --list --json` has it."""
    kept = entry.evaluation
    row = kept._asdict()
    cost = row.pop("cost")
    return {
        "id": entry.id,
        "name": name(kept.prompt_id),
        **row,
        "created_at": to_text(kept.created_at),
        "judge": kept.judge or None,
        "cases": len(kept.results),
        "cases_passed": kept.passed_cases,
        "cost_usd": cost,
    }
