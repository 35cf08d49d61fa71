"""What an optimization costs: the estimate before anything is sent."""

from collections.abc import Sequence
from typing import NamedTuple

from promptvault.domain.chat import Request
from promptvault.services.asking.cost import Estimate, total_estimate
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.case import Suite
from promptvault.services.evaluation.evaluate import estimate_cases
from promptvault.services.optimization.case_set import CaseTester
from promptvault.services.optimization.rewrite import (
    Basis,
    OptimizationTask,
    proposal_request,
    proposal_tokens,
)
from promptvault.services.optimization.rubric import (
    CRITERIA,
    RATING_TOKENS,
    Score,
    rating_request,
)


class OptimizationPlan(NamedTuple):
    """The requests that are known before the first answer, and the estimated costs."""

    requests: Sequence[Request]
    start: Estimate
    """The current text: its rating, and its results on all cases."""
    round: Estimate
    """One round: candidates, and their results on the cases that are shown."""
    finish: Estimate
    """The results on the cases that were held apart, and the blind judgement."""

    def total(self, rounds: int) -> Estimate:
        """Return the cost with that many rounds."""
        return total_estimate([self.start, *[self.round] * rounds, self.finish])


def plan_optimization(
    model: Model,
    judge: Model,
    task: OptimizationTask,
    tester: CaseTester | None = None,
) -> OptimizationPlan:
    """Return the plan of an optimization; nothing is sent.

    Raises what `plan_evaluation` raises for the cases.
    """
    body = task.version.content.body
    first = rating_request([body], task.goal)
    rating = judge.estimate([first], RATING_TOKENS)
    steps = _writing(model, task), _judging(judge, task)
    if tester is None:
        return OptimizationPlan([first], rating, *steps)
    shown_requests, shown = _cases(tester, tester.cases.shown)
    held_requests, held = _cases(tester, tester.cases.held_apart)
    return OptimizationPlan(
        [first, *shown_requests, *held_requests],
        total_estimate([rating, shown, held]),
        total_estimate([steps[0], *[shown] * task.candidates]),
        total_estimate([steps[1], *[held] * task.candidates]),
    )


def _writing(model: Model, task: OptimizationTask) -> Estimate:
    body = task.version.content.body
    unrated = dict.fromkeys(CRITERIA, Score(0, "x" * 100))
    proposal = proposal_request(task, Basis(body, unrated))
    return model.estimate([proposal], proposal_tokens(task))


def _judging(judge: Model, task: OptimizationTask) -> Estimate:
    texts = [task.version.content.body] * (task.candidates + 2)  # and the decoy
    blind = rating_request(texts, task.goal)
    return judge.estimate([blind] * 2, RATING_TOKENS * len(texts))


def _cases(tester: CaseTester, suite: Suite) -> tuple[list[Request], Estimate]:
    versions = tester.plan(suite, [tester.task.version.body])
    return estimate_cases(suite.cases, versions, tester.model, tester.judge)
