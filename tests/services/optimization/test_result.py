"""Which candidate is recommended, and what is said about it."""

from promptvault.domain.prompt import Content, Prompt, Version
from promptvault.services.optimization.result import (
    OptimizationResult,
    RatedCandidate,
)
from promptvault.services.optimization.rewrite import OptimizationTask
from promptvault.services.optimization.rubric import CRITERIA, Rating, Score
from tests.conftest import AUTHOR, NOON

PROMPT = Prompt(
    "p",
    "greet",
    "",
    "",
    (),
    False,
    True,
    "local",
    3,
    {},
    created_at=NOON,
    updated_at=NOON,
    versions=3,
)


def task(content: Content, goal: str = "") -> OptimizationTask:
    """Return the task to improve a prompt with this content."""
    return OptimizationTask(PROMPT, Version("v", 3, content, "", AUTHOR, NOON), goal)


def all_get(points: float) -> Rating:
    """Return a rating with the same points for all criteria."""
    return dict.fromkeys(CRITERIA, Score(points, "So."))


def result(*points: float | None, before: float = 5) -> OptimizationResult:
    """Return the result for candidates with these points; None is a refused one."""
    candidates = tuple(
        RatedCandidate(f"text {n}", "", (), all_get(p))
        if p is not None
        else RatedCandidate(f"text {n}", "", ("lost",))
        for n, p in enumerate(points)
    )
    return OptimizationResult(
        task(Content("a text")), "m", "j", all_get(before), candidates
    )


def winner(of: OptimizationResult) -> str | None:
    """Return the winning text."""
    return of.winner and of.winner.text


def test_the_best_wins_and_only_if_it_is_better_than_what_there_is() -> None:
    assert winner(result(6, 8, 7)) == "text 1"
    assert winner(result(8, 8)) == "text 0"
    assert winner(result(5, 4.5)) is None
    assert winner(result(5.5)) == "text 0"
    assert winner(result(None, 6)) == "text 1"
    assert winner(result(None, None)) is None
    assert winner(result()) is None


def test_the_message_says_the_goal_and_the_points() -> None:
    assert result(8).message == "Optimize (30 -> 48 of 60)"
    long = result(5.5)._replace(task=task(Content("a text"), "g" * 5000))
    assert long.message == f"Optimize: {'g' * 199}… (30 -> 33 of 60)"


def test_the_difference_leads_to_the_version_that_would_be_saved() -> None:
    assert result(8).difference()[:2] == ("--- greet@3", "+++ greet@4")
    assert result(1).difference() == ()
