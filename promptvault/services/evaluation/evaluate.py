"""`eval`: every case is sent, checked and compared with the baseline."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.domain.chat import Request
from promptvault.errors import VaultError
from promptvault.services.asking.cost import Estimate, Spent, total_estimate
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.case import Case
from promptvault.services.evaluation.check import (
    VERDICT_TOKENS,
    JudgeTask,
    judge_request,
)
from promptvault.services.evaluation.judge_check import passes_an_empty_answer
from promptvault.services.evaluation.plan import (
    EvaluationPlan,
    VersionRequests,
    distinct_requests,
)
from promptvault.services.evaluation.trial import Progress, Trial, try_cases
from promptvault.vault.activity.evaluations import EvaluationRecord, add_evaluation

_ANSWER_TOKENS = 500
"""Estimated tokens of an answer."""
_UNKNOWN_ANSWER = "(the answer)"


class CaseResult(NamedTuple):
    """One case on the evaluated version, and on the baseline if there is one."""

    case: Case
    current: Trial
    baseline: Trial | None = None

    @property
    def is_regression(self) -> bool:
        """Whether it passes on the baseline, and not on the evaluated version."""
        before = self.baseline is not None and self.baseline.passed
        return before and not self.current.passed

    @property
    def is_fix(self) -> bool:
        """Whether it fails on the baseline and passes on the evaluated version."""
        before = self.baseline is None or self.baseline.passed
        return not before and self.current.passed


class Evaluation(NamedTuple):
    """The results of all cases."""

    plan: EvaluationPlan
    results: tuple[CaseResult, ...]
    model: str
    """The models that answered; several names if a fallback was used."""
    judge: str
    """The models that judged; '' if no case needed a judge."""
    spent: Spent
    seconds: float
    """Duration of the whole evaluation."""
    created_at: datetime
    passes_anything: bool = False
    """Whether the judge passed all answers, and an empty one as well."""

    @property
    def passed(self) -> bool:
        """Whether all cases pass; with a baseline, whether there is no regression."""
        if self.plan.baseline:
            return not any(result.is_regression for result in self.results)
        return all(result.current.passed for result in self.results)


def estimate_evaluation(
    plan: EvaluationPlan, model: Model, judge: Model
) -> tuple[list[Request], Estimate]:
    """Return every request of *plan*, and their estimated cost; nothing is sent."""
    return estimate_cases(plan.suite.cases, plan.versions, model, judge)


def estimate_cases(
    cases: Sequence[Case],
    versions: Sequence[VersionRequests],
    model: Model,
    judge: Model,
) -> tuple[list[Request], Estimate]:
    """Return every request of *cases* on *versions*, and their estimated cost.

    Requests to the judge have a placeholder for the answer, which is not known yet.
    """
    briefs = dict.fromkeys(
        JudgeTask(request, _UNKNOWN_ANSWER, case.criteria)
        for version in versions
        for case, request in zip(cases, version.requests, strict=True)
        if isinstance(request, Request) and case.criteria
    )
    requests = distinct_requests(versions)
    judged = [judge_request(brief) for brief in briefs]
    most = max((len(brief.criteria) for brief in briefs), default=0)
    steps = [model.estimate(requests, _ANSWER_TOKENS)]
    if judged:
        steps += [judge.estimate(judged, VERDICT_TOKENS * most, _ANSWER_TOKENS)]
    return [*requests, *judged], total_estimate(steps)


def evaluate_plan(
    plan: EvaluationPlan,
    model: Model,
    judge: Model,
    now: Callable[[], datetime],
    on_done: Progress = lambda _: None,
) -> Evaluation:
    """Send and check every case of *plan*.

    If the judge passes all answers, it is asked about an empty one. If no case got a
    result, the first error is raised, and RefusedError if the model refused all of
    them. Also raises what `try_cases` raises.
    """
    start = time.monotonic()
    cases = plan.suite.cases
    done = try_cases(cases, plan.versions, model, judge, on_done)
    if done.no_result:
        raise done.no_result
    return Evaluation(
        plan,
        tuple(map(CaseResult, cases, *done.trials)),
        done.answered or model.name,
        done.judged,
        model.spent,
        time.monotonic() - start,
        now(),
        done.is_lenient and passes_an_empty_answer(judge),
    )


def record_evaluation(
    path: Path, evaluation: Evaluation, notify: Callable[[str], None]
) -> int | None:
    """Add *evaluation* to the activity database at *path*, and return its number.

    If the database cannot be written, *notify* receives a sentence and None is
    returned: results that were paid for are still shown.
    """
    try:
        return add_evaluation(path, _record(evaluation))
    except VaultError as error:
        notify(f"This evaluation is not in the record. {error}")
        return None


def _record(evaluation: Evaluation) -> EvaluationRecord:
    plan, spent = evaluation.plan, evaluation.spent
    return EvaluationRecord(
        prompt_id=plan.prompt.id,
        version_id=plan.current.version.id,
        version=plan.current.version.number,
        against_version=plan.baseline.version.number if plan.baseline else None,
        system_version_id=plan.system.id if plan.system else None,
        created_at=evaluation.created_at,
        model=evaluation.model,
        judge=evaluation.judge,
        cases_digest=plan.suite.digest,
        passed=evaluation.passed,
        results=[_kept(result) for result in evaluation.results],
        **asdict(spent),
        seconds=evaluation.seconds,
    )


def _kept(result: CaseResult) -> dict[str, object]:
    return {
        "name": result.case.name,
        "passed": result.current.passed,
        "passed_before": result.baseline.passed if result.baseline else None,
        "error": str(result.current.error) if result.current.error else None,
        "failures": [failure._asdict() for failure in result.current.failures],
    }
