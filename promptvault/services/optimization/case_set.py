"""Test cases for `optimize`: some are shown to the model that writes, some are not.

A model can write a prompt that answers the cases that it has seen and no others. What
counts is therefore how many of the other cases a text passes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from promptvault.errors import InvalidInputError
from promptvault.services.asking.model import Model
from promptvault.services.asking.secret_check import refuse_secrets
from promptvault.services.evaluation.case import Case, Suite
from promptvault.services.evaluation.plan import (
    EvaluationOptions,
    VersionRequests,
    plan_versions,
)
from promptvault.services.evaluation.trial import Trial, TrialRun, try_cases
from promptvault.services.optimization.rewrite import OptimizationTask
from promptvault.vault.reader import Reader

_LONGEST_TEXT = 1_500
"""Characters of an input or an answer that the model is shown."""
_MOST_SHOWN = 5
"""Failed cases that the model is shown at a time."""

OpenReader = Callable[[], AbstractContextManager[Reader]]


class CaseScore(NamedTuple):
    """How many cases a text passes."""

    passed: int
    total: int

    def __str__(self) -> str:
        return f"{self.passed}/{self.total}"


class CaseScores(NamedTuple):
    """The scores of a text on both parts of a case set."""

    shown: CaseScore
    held_apart: CaseScore


class CaseSet(NamedTuple):
    """The two parts of the cases."""

    shown: Suite
    """The model that writes sees the answers to these that fail."""
    held_apart: Suite
    """The model that writes never sees these."""


class Baseline(NamedTuple):
    """The results of the current text."""

    cases: CaseSet
    """The cases that got a result."""
    before: CaseScores
    shown_trials: tuple[Trial, ...]


def split_cases(suite: Suite) -> CaseSet:
    """Return both halves of *suite*; the one held apart may have one case more.

    The parts depend on the cases alone, not on their order. Raises InvalidInputError if
    there is only one case.
    """
    if len(suite.cases) < 2:
        raise InvalidInputError(
            "'optimize' needs two cases or more: some are shown to the model that"
            " writes, and the others decide."
        )
    ordered = sorted(suite.cases, key=_digest)
    return CaseSet(_only(suite, ordered[1::2]), _only(suite, ordered[::2]))


def _digest(case: Case) -> bytes:
    return hashlib.sha256(json.dumps(case, sort_keys=True).encode()).digest()


def _only(suite: Suite, cases: Sequence[Case]) -> Suite:
    """Return *suite* with these cases alone, in the order of the file."""
    names = {case.name for case in cases}
    return suite._replace(cases=tuple(c for c in suite.cases if c.name in names))


@dataclass(frozen=True)
class CaseTester:
    """Tries texts in place of the text of a version."""

    cases: CaseSet
    task: OptimizationTask
    model: Model
    """The model that answers."""
    judge: Model
    """The model that decides `judge` checks."""
    open_reader: OpenReader
    allow_secrets: bool = False

    def plan(self, suite: Suite, texts: Sequence[str]) -> list[VersionRequests]:
        """Return the requests of each text; nothing is sent.

        Raises what `plan_evaluation` raises, also for a likely secret in a check: the
        model that writes is told which checks fail.
        """
        prompt, version = self.task.prompt, self.task.version
        expected = "\n".join(_expected_texts(suite))
        refuse_secrets(prompt, version.content, expected, allowed=self.allow_secrets)
        versions = [
            version._replace(content=version.content._replace(body=text))
            for text in texts
        ]
        options = EvaluationOptions(prompt.name, allow_secrets=self.allow_secrets)
        with self.open_reader() as reader:
            return plan_versions(reader, suite, prompt, versions, options)

    def try_texts(self, suite: Suite, texts: Sequence[str]) -> TrialRun:
        """Return the results of each text on each case of *suite*.

        Raises what `try_cases` raises.
        """
        versions = self.plan(suite, texts)
        return try_cases(suite.cases, versions, self.model, self.judge)

    def try_current(self) -> Baseline:
        """Return the results of the current text on all cases.

        Cases that get no result are left out from then on, since nothing can be
        compared with them. If no case of a part gets one, the first error is raised;
        also raises what `try_cases` raises.
        """
        shown, shown_trials = self._try_current(self.cases.shown)
        held, held_trials = self._try_current(self.cases.held_apart)
        before = CaseScores(score_of(shown_trials), score_of(held_trials))
        return Baseline(CaseSet(shown, held), before, shown_trials)

    def _try_current(self, suite: Suite) -> tuple[Suite, tuple[Trial, ...]]:
        run = self.try_texts(suite, [self.task.version.body])
        if run.no_result:
            raise run.no_result
        pairs = list(zip(suite.cases, run.trials[0], strict=True))
        decided = [(case, trial) for case, trial in pairs if not trial.error]
        cases, trials = (tuple(each) for each in zip(*decided, strict=True))
        return suite._replace(cases=cases), trials


def _expected_texts(suite: Suite) -> Iterator[str]:
    for case in suite.cases:
        for check in case.checks:
            values = check.expected
            yield from map(str, values if isinstance(values, tuple) else [values])


def score_of(trials: Sequence[Trial]) -> CaseScore:
    """Return how many of *trials* passed."""
    return CaseScore(sum(trial.passed for trial in trials), len(trials))


def describe_failures(
    suite: Suite, trials: Sequence[Trial]
) -> tuple[dict[str, Any], ...]:
    """Return the failed cases as the model that writes is shown them."""
    pairs = zip(suite.cases, trials, strict=True)
    failed = [(case, trial) for case, trial in pairs if trial.failures]
    return tuple(_described(*pair) for pair in failed[:_MOST_SHOWN])


def _described(case: Case, trial: Trial) -> dict[str, Any]:
    stdin = {} if case.stdin is None else {"stdin": _short(case.stdin)}
    return {
        "inputs": {name: _short(value) for name, value in case.inputs.items()},
        **stdin,
        "answer": _short(trial.answer.text) if trial.answer else None,
        "failures": [f"{each.check}: {each.reason}" for each in trial.failures],
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
