"""Output of `eval`."""

from collections.abc import Iterable

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_money, format_time
from promptvault.cli.render.model import print_plan, report_spent
from promptvault.cli.render.table import Column, print_table
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.check import Failure
from promptvault.services.evaluation.evaluate import (
    CaseResult,
    Evaluation,
    estimate_evaluation,
)
from promptvault.services.evaluation.plan import EvaluationPlan
from promptvault.services.evaluation.trial import Trial
from promptvault.vault.activity.evaluations import EvaluationEntry

_WORDS = {True: "passed", False: "failed", None: ""}


def print_evaluation_plan(
    plan: EvaluationPlan, model: Model, judge: Model, *, as_json: bool
) -> None:
    """Print the requests of an evaluation, and their estimated cost."""
    requests, estimate = estimate_evaluation(plan, model, judge)
    print_plan(model, requests, estimate, as_json=as_json)
    judged = len(requests) - len(plan.requests)
    if judged and not as_json:
        terminal.note(
            f"{format_count(judged, 'request')} of these would go to {judge.name},"
            " which judges the answers that pass all other checks."
        )
    unfilled = [each for each in plan.current.requests if isinstance(each, Failure)]
    if unfilled:
        cases = format_count(len(unfilled), "case")
        terminal.note(f"Without a request, {cases} would fail: {unfilled[0].reason}")


def print_evaluation(done: Evaluation) -> None:
    """Print a line for each case, and the totals on stderr."""
    columns = [Column("Case", "cyan"), Column("Result", wrap=False)]
    if done.plan.baseline:
        columns.insert(1, Column(f"@{done.plan.baseline.version.number}", "dim"))
    columns.append(Column("Why"))
    print_table(columns, map(_line, done.results), "")
    terminal.note(_summary(done))
    if done.passes_anything:
        terminal.note(
            f"Warning: {done.judge} also passes an empty answer, so its verdicts prove"
            " nothing; --judge names another model."
        )
    report_spent(done.spent)


def _line(result: CaseResult) -> list[str]:
    trial = result.current
    reasons = [f"{each.check}: {each.reason}" for each in trial.failures]
    why = str(trial.error) if trial.error else "; ".join(reasons)
    before = [_trial_word(result.baseline)] if result.baseline else []
    return [result.case.name, *before, _word(result), why]


def _word(result: CaseResult) -> str:
    if result.is_regression and not result.current.error:
        return "regression"
    return "fixed" if result.is_fix else _trial_word(result.current)


def _trial_word(trial: Trial) -> str:
    return "error" if trial.error else _WORDS[trial.passed]


def _summary(done: Evaluation) -> str:
    plan, total = done.plan, len(done.results)
    passed = sum(result.current.passed for result in done.results)
    name = f"{plan.prompt.name}@{plan.current.version.number}"
    line = (
        f"{name} passes {passed:,} of {format_count(total, 'case')} with {done.model}"
    )
    errors = sum(result.current.error is not None for result in done.results)
    if errors:
        line += f", {format_count(errors, 'case')} could not be decided"
    if not plan.baseline:
        return f"{line}."
    worse = sum(result.is_regression for result in done.results)
    fixed = sum(result.is_fix for result in done.results)
    changes = f"{format_count(worse, 'regression')}, {fixed:,} fixed"
    return f"{line}; against @{plan.baseline.version.number}: {changes}."


def print_evaluations(reference: str, found: Iterable[EvaluationEntry]) -> None:
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
    print_table(columns, map(_entry_line, found), empty)


def _entry_line(entry: EvaluationEntry) -> tuple[str, ...]:
    kept = entry.evaluation
    against = "" if kept.against_version is None else f"@{kept.against_version}"
    return (
        str(entry.id),
        format_time(kept.created_at),
        f"@{kept.version}",
        against,
        _WORDS[kept.passed],
        f"{kept.passed_cases}/{len(kept.results)}",
        kept.model,
        format_money(kept.cost),
    )
