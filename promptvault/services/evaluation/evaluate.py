"""`eval`: every case is sent, checked and compared with the baseline."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.domain.chat import Answer, Request
from promptvault.errors import VaultError
from promptvault.providers.failure import RefusedError
from promptvault.services.asking.cost import Estimate, Spent, total_estimate
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.case import Case
from promptvault.services.evaluation.check import (
    Failure,
    JudgeTask,
    Verdict,
    find_failures,
    judge_answer,
    judge_request,
)
from promptvault.services.evaluation.plan import EvaluationPlan
from promptvault.vault.activity.evaluations import EvaluationRecord, add_evaluation

_ANSWER_TOKENS, _VERDICT_TOKENS = 500, 60
"""Estimated tokens of an answer, and of a verdict on one criterion."""
_UNKNOWN_ANSWER = "(the answer)"

Progress = Callable[[int], None]
"""Called with the number of answers that arrived since the last call."""


class Trial(NamedTuple):
    """One case on one version."""

    request: Request | None
    """None if the prompt could not be rendered."""
    answer: Answer | None
    """None if nothing was sent, or the model refused to answer."""
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.failures


class CaseResult(NamedTuple):
    """One case on the evaluated version, and on the baseline if there is one."""

    case: Case
    current: Trial
    baseline: Trial | None = None

    @property
    def is_regression(self) -> bool:
        """Whether it passes on the baseline and fails on the evaluated version."""
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

    @property
    def passed(self) -> bool:
        """Whether all cases pass; with a baseline, whether there is no regression."""
        if self.plan.baseline:
            return not any(result.is_regression for result in self.results)
        return all(result.current.passed for result in self.results)


def estimate_evaluation(
    plan: EvaluationPlan, model: Model, judge: Model
) -> tuple[list[Request], Estimate]:
    """Return every request of *plan*, and their estimated cost; nothing is sent.

    Requests to the judge have a placeholder for the answer, which is not known yet.
    """
    briefs = dict.fromkeys(
        JudgeTask(request, _UNKNOWN_ANSWER, case.criteria)
        for version in plan.versions
        for case, request in zip(plan.suite.cases, version.requests, strict=True)
        if isinstance(request, Request) and case.criteria
    )
    judged = [judge_request(brief) for brief in briefs]
    most = max((len(brief.criteria) for brief in briefs), default=0)
    steps = [model.estimate(plan.requests, _ANSWER_TOKENS)]
    if judged:
        steps += [judge.estimate(judged, _VERDICT_TOKENS * most, _ANSWER_TOKENS)]
    return [*plan.requests, *judged], total_estimate(steps)


def evaluate_plan(
    plan: EvaluationPlan,
    model: Model,
    judge: Model,
    now: Callable[[], datetime],
    on_done: Progress = lambda _: None,
) -> Evaluation:
    """Send and check every case of *plan*.

    Equal requests are sent once. The judge is asked only if all other checks pass. If
    the model refuses to answer a case, that case fails; if it refuses all of them,
    RefusedError is raised. Also raises what `Model.ask` raises; the answers that
    arrived before are in the cache.
    """
    start = time.monotonic()
    answers = _ask(model, plan.requests, on_done)
    tried = [_checked(plan.suite.cases, v.requests, answers) for v in plan.versions]
    verdicts = _judge(judge, plan.suite.cases, tried)
    judged = [_judged(plan.suite.cases, trials, verdicts) for trials in tried]
    return Evaluation(
        plan,
        tuple(map(CaseResult, plan.suite.cases, *judged)),
        _models(answers.values()) or model.name,
        _models(verdict.answer for verdict in verdicts.values()),
        model.spent,
        time.monotonic() - start,
        now(),
    )


_Answers = Mapping[Request, Answer | RefusedError]


def _ask(model: Model, requests: Sequence[Request], on_done: Progress) -> _Answers:
    def ask(request: Request) -> Answer | RefusedError:
        try:
            return model.ask(request)
        except RefusedError as error:
            return error

    answers = {}
    for request, answer in zip(requests, model.each(ask, requests), strict=True):
        answers[request] = answer
        on_done(1)
    refused = [each for each in answers.values() if isinstance(each, RefusedError)]
    if refused and len(refused) == len(answers):
        raise refused[0]
    return answers


def _models(answers: Iterable[Answer | RefusedError]) -> str:
    names = {each.model for each in answers if isinstance(each, Answer)}
    return ", ".join(sorted(names))


def _checked(
    cases: Sequence[Case], planned: Sequence[Request | Failure], answers: _Answers
) -> list[Trial]:
    return [
        _trial(case, request, answers)
        for case, request in zip(cases, planned, strict=True)
    ]


def _trial(case: Case, request: Request | Failure, answers: _Answers) -> Trial:
    if isinstance(request, Failure):
        return Trial(None, None, (request,))
    answer = answers[request]
    if isinstance(answer, RefusedError):
        return Trial(request, None, (Failure("answer", str(answer)),))
    return Trial(request, answer, find_failures(case.checks, answer))


def _judge(
    judge: Model, cases: Sequence[Case], tried: Sequence[Sequence[Trial]]
) -> Mapping[JudgeTask, Verdict]:
    found = (
        _brief(*pair) for trials in tried for pair in zip(cases, trials, strict=True)
    )
    briefs = list(dict.fromkeys(brief for brief in found if brief))
    verdicts = judge.each(lambda brief: judge_answer(judge, brief), briefs)
    return dict(zip(briefs, verdicts, strict=True))


def _brief(case: Case, trial: Trial) -> JudgeTask | None:
    if not case.criteria or not trial.passed:
        return None
    if trial.request is None or trial.answer is None:
        return None
    return JudgeTask(trial.request, trial.answer.text, case.criteria)


def _judged(
    cases: Sequence[Case],
    trials: Sequence[Trial],
    verdicts: Mapping[JudgeTask, Verdict],
) -> list[Trial]:
    judged = []
    for case, trial in zip(cases, trials, strict=True):
        brief = _brief(case, trial)
        found = verdicts[brief].failures if brief else trial.failures
        judged.append(trial._replace(failures=found))
    return judged


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
        "failures": [failure._asdict() for failure in result.current.failures],
    }
