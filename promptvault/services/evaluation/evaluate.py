"""Evaluating a version of a prompt: every case asked, checked, compared, kept."""

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
from promptvault.services.evaluation.check import Failure, find_failures
from promptvault.services.evaluation.judge import (
    JudgeTask,
    Verdict,
    judge_answer,
    judge_request,
)
from promptvault.services.evaluation.plan import EvaluationPlan
from promptvault.vault.activity.evaluations import EvaluationRecord, add_evaluation

_ANSWER_TOKENS, _VERDICT_TOKENS = 500, 60
"""What an answer, and a verdict on one criterion, may have; for an estimate."""
_UNKNOWN_ANSWER = "(the answer)"

Progress = Callable[[int], None]
"""Told how many more answers have come."""


class Trial(NamedTuple):
    """One case on one version."""

    request: Request | None
    """None where the prompt could not be filled in."""
    answer: Answer | None
    """None where there is none: nothing was asked, or the model refused."""
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return not self.failures


class CaseResult(NamedTuple):
    """One case, on the version evaluated and on the one that it is compared with."""

    case: Case
    now: Trial
    before: Trial | None = None

    @property
    def is_regression(self) -> bool:
        """Whether it passed before and fails now."""
        return self.before is not None and self.before.passed and not self.now.passed

    @property
    def is_fix(self) -> bool:
        """Whether it failed before and passes now."""
        return self.before is not None and not self.before.passed and self.now.passed


class Evaluation(NamedTuple):
    """All cases tried."""

    plan: EvaluationPlan
    results: tuple[CaseResult, ...]
    model: str
    """Which answered: several names where a fallback stepped in."""
    judge: str
    """Which judged; '' where none had to."""
    spent: Spent
    seconds: float
    created_at: datetime

    @property
    def passed(self) -> bool:
        """Whether all cases pass; compared with another version, none got worse."""
        if self.plan.before:
            return not any(result.is_regression for result in self.results)
        return all(result.now.passed for result in self.results)


def estimate_evaluation(
    plan: EvaluationPlan, model: Model, judge: Model
) -> tuple[list[Request], Estimate]:
    """Return every request of *plan*, and about what they take; nothing is sent.

    The judge's have a placeholder for the answer, which is not known yet.
    """
    briefs = dict.fromkeys(
        JudgeTask(request, _UNKNOWN_ANSWER, case.criteria)
        for side in plan.sides
        for case, request in zip(plan.suite.cases, side.requests, strict=True)
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
    """Ask and check every case of *plan*.

    The same request is sent once. The judge is asked only where all other checks
    hold. A case fails whose request the model refuses; where it refuses all, that is
    raised, as is what `Model.ask` raises. Answers that came by then are in the cache.
    """
    start = time.monotonic()
    answers = _ask(model, plan.requests, on_done)
    tried = [_checked(plan.suite.cases, s.requests, answers) for s in plan.sides]
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
    found = (_brief(*pair) for side in tried for pair in zip(cases, side, strict=True))
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
    path: Path, evaluation: Evaluation, tell: Callable[[str], None]
) -> int | None:
    """Write *evaluation* to the record at *path* and return its number.

    None where that cannot be written, which *tell* hears: what was paid for is shown.
    """
    try:
        return add_evaluation(path, _record(evaluation))
    except VaultError as error:
        tell(f"This evaluation is not in the record. {error}")
        return None


def _record(evaluation: Evaluation) -> EvaluationRecord:
    plan, spent = evaluation.plan, evaluation.spent
    return EvaluationRecord(
        prompt_id=plan.prompt.id,
        version_id=plan.now.version.id,
        version=plan.now.version.number,
        against_version=plan.before.version.number if plan.before else None,
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
        "passed": result.now.passed,
        "passed_before": result.before.passed if result.before else None,
        "failures": [failure._asdict() for failure in result.now.failures],
    }
