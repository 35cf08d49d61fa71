"""JSON rows of evaluations."""

from promptvault.cli.record import FindName
from promptvault.cli.rows.model import spent_row
from promptvault.cli.rows.prompts import Row, time_row
from promptvault.services.evaluation.evaluate import CaseResult, Evaluation
from promptvault.services.evaluation.trial import Trial
from promptvault.vault.activity.evaluations import EvaluationEntry


def evaluation_row(number: int | None, done: Evaluation) -> Row:
    """Return an evaluation as `eval --json` prints it, with answers."""
    plan = done.plan
    results = done.results
    return {
        "id": number,
        "name": plan.prompt.name,
        "prompt_id": plan.prompt.id,
        "version": plan.current.version.number,
        "version_id": plan.current.version.id,
        "against_version": plan.baseline.version.number if plan.baseline else None,
        "system_version_id": plan.system.id if plan.system else None,
        "created_at": time_row(done.created_at),
        "model": done.model,
        "judge": done.judge or None,
        "judge_passes_anything": done.passes_anything,
        "cases_digest": plan.suite.digest,
        "passed": done.passed,
        "cases": len(results),
        "cases_passed": sum(result.current.passed for result in results),
        "errors": [each.case.name for each in results if each.current.error],
        "regressions": [each.case.name for each in results if each.is_regression],
        "fixed": [each.case.name for each in results if each.is_fix],
        "results": [_result_row(result) for result in results],
        "seconds": done.seconds,
    } | spent_row(done.spent)


def _result_row(result: CaseResult) -> Row:
    return {
        "name": result.case.name,
        "regression": result.is_regression,
        **_trial_row(result.current),
        "before": _trial_row(result.baseline) if result.baseline else None,
    }


def _trial_row(trial: Trial) -> Row:
    answer = trial.answer
    return {
        "passed": trial.passed,
        "failures": [failure._asdict() for failure in trial.failures],
        "error": str(trial.error) if trial.error else None,
        "answer": answer.text if answer else None,
        "cut": answer.is_cut if answer else False,
        "cached": answer.cached if answer else False,
        "seconds": answer.seconds if answer else None,
        "output_tokens": answer.usage.output_tokens if answer else None,
    }


def evaluation_entry_row(entry: EvaluationEntry, name: FindName) -> Row:
    """Return an earlier evaluation as `eval --list --json` prints it."""
    kept = entry.evaluation
    row = kept._asdict()
    cost = row.pop("cost")
    return {
        "id": entry.id,
        "name": name(kept.prompt_id),
        **row,
        "created_at": time_row(kept.created_at),
        "judge": kept.judge or None,
        "cases": len(kept.results),
        "cases_passed": kept.passed_cases,
        "cost_usd": cost,
    }
