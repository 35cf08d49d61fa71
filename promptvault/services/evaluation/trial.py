"""Cases on versions of a prompt: sent, checked by rules, then judged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from promptvault.domain.chat import Answer, Request
from promptvault.errors import PromptVaultError
from promptvault.providers.failure import (
    EmptyAnswerError,
    RefusedError,
    ResponseTimeoutError,
)
from promptvault.services.asking.json_answer import InvalidAnswerError
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.case import Case
from promptvault.services.evaluation.check import (
    Failure,
    JudgeTask,
    Verdict,
    find_failures,
    judge_answer,
)
from promptvault.services.evaluation.plan import VersionRequests, distinct_requests

_NO_RESULT = (EmptyAnswerError, InvalidAnswerError, ResponseTimeoutError)
"""What costs one case only: the server works, and this answer cannot be used."""

_SEVERAL = 3
"""Verdicts; with fewer, a judge that passes all of them says little about itself."""

Progress = Callable[[int], None]
"""Called with the number of answers that arrived since the last call."""


class Trial(NamedTuple):
    """One case on one version."""

    request: Request | None
    """None if the prompt could not be rendered."""
    answer: Answer | None
    """None if nothing was sent, or the model refused to answer."""
    failures: tuple[Failure, ...]
    error: PromptVaultError | None = None
    """Why it is not decided whether the case passes; None if it is."""

    @property
    def passed(self) -> bool:
        """Whether the case is decided and every check passed."""
        return not self.failures and self.error is None


class TrialRun(NamedTuple):
    """The results of cases on one or more versions."""

    trials: tuple[tuple[Trial, ...], ...]
    """For each version, one for each case."""
    answered: str
    """The models that answered; '' if none did."""
    judged: str
    """The models that judged; '' if no case needed a judge."""
    no_result: PromptVaultError | None
    """The first error if no case got a result, or the model refused all of them."""
    is_lenient: bool
    """Whether the judge was asked several times and passed every answer."""


def try_cases(
    cases: Sequence[Case],
    versions: Sequence[VersionRequests],
    model: Model,
    judge: Model,
    on_done: Progress = lambda _: None,
) -> TrialRun:
    """Send and check every case on every version.

    Equal requests are sent once. The judge is asked only if all other checks pass. An
    answer that cannot be used, of the model or of the judge, costs its case alone. If
    the model refuses to answer a case, that case fails. Raises what `Model.ask` raises
    otherwise; the answers that arrived before are in the cache.
    """
    answers = _ask(model, distinct_requests(versions), on_done)
    tried = [_checked(cases, version.requests, answers) for version in versions]
    verdicts = _judge(judge, cases, tried)
    trials = tuple(_judged(cases, each, verdicts) for each in tried)
    judged = (v.answer for v in verdicts.values() if isinstance(v, Verdict))
    return TrialRun(
        trials,
        _models(answers.values()),
        _models(judged),
        _refusal(answers) or _undecided(trials),
        _is_lenient(verdicts),
    )


_Answered = Answer | PromptVaultError
_Answers = Mapping[Request, _Answered]
_Verdicts = Mapping[JudgeTask, Verdict | PromptVaultError]


def _ask(model: Model, requests: Sequence[Request], on_done: Progress) -> _Answers:
    def ask(request: Request) -> _Answered:
        try:
            return model.ask(request)
        except (RefusedError, *_NO_RESULT) as error:
            return error

    answers = {}
    for request, answer in zip(requests, model.each(ask, requests), strict=True):
        answers[request] = answer
        on_done(1)
    return answers


def _models(answers: Iterable[object]) -> str:
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
    match answers[request]:
        case RefusedError() as refusal:
            return Trial(request, None, (Failure("answer", str(refusal)),))
        case PromptVaultError() as error:
            return Trial(request, None, (), error)
        case answer:
            return Trial(request, answer, find_failures(case.checks, answer))


def _judge(
    judge: Model, cases: Sequence[Case], tried: Sequence[Sequence[Trial]]
) -> _Verdicts:
    def decide(brief: JudgeTask) -> Verdict | PromptVaultError:
        try:
            return judge_answer(judge, brief)
        except (RefusedError, *_NO_RESULT) as error:
            return error

    found = (
        _brief(*pair) for trials in tried for pair in zip(cases, trials, strict=True)
    )
    briefs = list(dict.fromkeys(brief for brief in found if brief))
    return dict(zip(briefs, judge.each(decide, briefs), strict=True))


def _brief(case: Case, trial: Trial) -> JudgeTask | None:
    if not case.criteria or not trial.passed:
        return None
    if trial.request is None or trial.answer is None:
        return None
    return JudgeTask(trial.request, trial.answer.text, case.criteria)


def _judged(
    cases: Sequence[Case], trials: Sequence[Trial], verdicts: _Verdicts
) -> tuple[Trial, ...]:
    return tuple(
        _with_verdict(trial, verdicts.get(brief) if brief else None)
        for trial, brief in zip(trials, map(_brief, cases, trials), strict=True)
    )


def _with_verdict(trial: Trial, verdict: Verdict | PromptVaultError | None) -> Trial:
    match verdict:
        case PromptVaultError() as error:
            return trial._replace(error=error)
        case Verdict(failures=failures):
            return trial._replace(failures=failures)
    return trial


def _is_lenient(verdicts: _Verdicts) -> bool:
    found = verdicts.values()
    all_pass = all(isinstance(each, Verdict) and not each.failures for each in found)
    return len(found) >= _SEVERAL and all_pass


def _refusal(answers: _Answers) -> RefusedError | None:
    """Return the first refusal if the model refused all requests."""
    refused = [each for each in answers.values() if isinstance(each, RefusedError)]
    return refused[0] if refused and len(refused) == len(answers) else None


def _undecided(trials: Sequence[Sequence[Trial]]) -> PromptVaultError | None:
    """Return the first error if no case is decided on any version."""
    errors = [trial.error for each in trials for trial in each]
    return errors[0] if errors and all(errors) else None
