"""`optimize`: a prompt is rated, rewritten by a model, checked, and judged blind.

A candidate is recommended only if the guard and the cases let it pass, if it is better
than the current text, and if the judge can tell it from a text without sense.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from promptvault.domain.prompt import Prompt
from promptvault.errors import VaultError
from promptvault.services.asking.cost import Spent, total_estimate
from promptvault.services.asking.model import Model
from promptvault.services.optimization.blind import rate_blind
from promptvault.services.optimization.case_set import Baseline, CaseTester
from promptvault.services.optimization.estimate import (
    OptimizationPlan,
    plan_optimization,
)
from promptvault.services.optimization.result import (
    OptimizationResult,
    RatedCandidate,
    candidate_record,
    cases_record,
    rating_record,
)
from promptvault.services.optimization.rewrite import OptimizationTask
from promptvault.services.optimization.rubric import Rating, rate_texts, total_points
from promptvault.services.optimization.search import (
    CandidateSearch,
    CaseSearch,
    choose_finalists,
    try_held_apart,
)
from promptvault.services.prompts.edit import save_over
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.services.workspace import Workspace
from promptvault.vault.activity.optimizations import (
    OptimizationRecord,
    add_optimization,
    set_saved_version,
)
from promptvault.vault.reader import reading


@dataclass(frozen=True)
class Optimization:
    """What takes part in an optimization; nothing is sent before `run`."""

    task: OptimizationTask
    model: Model
    """The model that writes."""
    judge: Model
    notify: Callable[[str], None]
    """Receives a sentence for the person."""
    tester: CaseTester | None = None
    """None if there are no cases."""

    def plan(self) -> OptimizationPlan:
        """Return the requests and their estimated cost.

        Raises what `plan_evaluation` raises for the cases.
        """
        return plan_optimization(self.model, self.judge, self.task, self.tester)

    def run(self) -> OptimizationResult:
        """Return the result, without recording it; raises what `ask_json` raises.

        Also raises what `plan` raises, before anything is sent.
        """
        plan = self.plan()
        [rating] = rate_texts(self.judge, [self.task.version.body], self.task.goal)
        search = CandidateSearch(self.model, self.task, rating)
        if self.tester is None:
            return self._judged(rating, search.run())
        baseline = self.tester.try_current()
        rounds = CaseSearch(search, self.tester, baseline, self.notify)
        found = rounds.run(total_estimate([plan.round, plan.finish]))
        most = self.task.candidates
        finalists = choose_finalists(found, baseline.before.shown, most)
        tried = try_held_apart(self.tester, baseline, finalists)
        return self._judged(rating, tried, baseline)

    def _judged(
        self,
        rating: Rating,
        candidates: Sequence[RatedCandidate],
        baseline: Baseline | None = None,
    ) -> OptimizationResult:
        """Return the result after the blind judgement of what is not refused."""
        body = self.task.version.body
        fit = [candidate.text for candidate in candidates if not candidate.refused]
        if not fit:
            return self._result(rating, candidates, baseline)
        blind = rate_blind(self.judge, [body, *fit], self.task.goal)
        rated = [
            c if c.refused else c._replace(rating=blind.mean(c.text))
            for c in candidates
        ]
        result = self._result(blind.mean(body), rated, baseline)
        best = result.best
        return result._replace(doubt=blind.doubt(best.text if best else body))

    def _result(
        self,
        before: Rating,
        candidates: Sequence[RatedCandidate],
        baseline: Baseline | None,
    ) -> OptimizationResult:
        names = self.model.answered, self.judge.answered
        return OptimizationResult(
            self.task, *names, before, tuple(candidates), baseline=baseline
        )


def optimize_prompt(
    workspace: Workspace, optimization: Optimization
) -> OptimizationResult:
    """Run *optimization*, and record its result.

    The prompt itself is not changed. If the record cannot be written, the person gets a
    sentence. Raises what `Optimization.run` raises; nothing is recorded then.
    """
    start = workspace.now()
    result = optimization.run()
    seconds = (workspace.now() - start).total_seconds()
    row = _record(result, optimization.model.spent, start, seconds)
    try:
        return result._replace(id=add_optimization(workspace.paths.activity, row))
    except VaultError as error:
        optimization.notify(f"This optimization was not recorded: {error}")
        return result


def save_winner(
    workspace: Workspace,
    result: OptimizationResult,
    message: str | None,
    notify: Callable[[str], None],
) -> Saved:
    """Save the winner as the newest version of its prompt.

    Raises ConflictError if the prompt got another version since the task was prepared.
    """
    winner, prompt = result.winner, result.task.prompt
    if winner is None:
        return Saved(prompt, Outcome.UNCHANGED)
    content = result.task.version.content._replace(body=winner.text)
    saved = save_over(workspace, prompt, content, message or result.message)
    if saved.outcome is Outcome.CHANGED and result.id is not None:
        try:
            _record_saved(workspace, result.id, saved.prompt)
        except VaultError as error:
            notify(f"That it was saved is not in the record: {error}")
    return saved


def _record_saved(workspace: Workspace, number: int, prompt: Prompt) -> None:
    folders = workspace.paths
    with reading(folders.database, folders.usage) as reader:
        version = reader.current(prompt)
    set_saved_version(folders.activity, number, version.id, version.number)


def _record(
    result: OptimizationResult, spent: Spent, start: datetime, seconds: float
) -> OptimizationRecord:
    winner, version = result.winner, result.task.version
    return OptimizationRecord(
        prompt_id=result.task.prompt.id,
        version_id=version.id,
        version=version.number,
        created_at=start,
        model=result.model,
        judge=result.judge,
        goal=result.task.goal,
        before_points=total_points(result.before),
        after_points=total_points(winner.rating) if winner and winner.rating else None,
        scores=rating_record(result.before),
        candidates=[candidate_record(candidate) for candidate in result.candidates],
        cases=cases_record(result),
        doubt=result.doubt,
        **asdict(spent),
        seconds=seconds,
    )
