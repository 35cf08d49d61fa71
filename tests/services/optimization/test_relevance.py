"""A rewritten text repeats nothing of our request, and keeps its subject."""

import pytest

from promptvault.domain.prompt import Content
from promptvault.services.optimization.relevance import find_irrelevance
from promptvault.services.optimization.rewrite import Basis, request_wording
from promptvault.services.optimization.rubric import rubric_text
from tests.services.optimization.test_result import all_get, task

PROMPT = "Say hello to the customer in one short sentence."
REPEATS = ("repeats the request to the model",)


def reasons(text: str, before: str = PROMPT, goal: str = "") -> tuple[str, ...]:
    """Return why *text* is refused in place of *before*."""
    basis = Basis(before, all_get(3))
    return find_irrelevance(
        before, text, request_wording(task(Content(before), goal), basis)
    )


@pytest.mark.parametrize(
    "text",
    [
        "How it was rated:",
        f"{PROMPT}\n\nHow it was rated:\n- clarity: 3 of 10. So.",
        f"{PROMPT}\n- context: 7 of 10.",
        "The goal: a better prompt for the same purpose",
        "Can the task be understood in one way only?",
        f"{PROMPT} Fenced code blocks and literal blocks stay word for word.",
        rubric_text(),
        "Write 3 different improved versions, and of each in one sentence what is"
        " better.",
        "Two careful readers would do",
        "Say hello to a customer. Answer with JSON alone, without any text around it.",
    ],
)
def test_what_repeats_our_request_is_refused(text: str) -> None:
    assert reasons(text) == REPEATS


def test_the_marks_around_the_prompt_are_ours() -> None:
    [*_, marks, _] = request_wording(task(Content(PROMPT)), Basis(PROMPT))
    assert reasons(marks.replace("\n", PROMPT, 1)) == REPEATS


@pytest.mark.parametrize(
    ("text", "before", "goal"),
    [
        ("Greet the customer.", PROMPT, ""),
        ("Say hello to the customer. Be kind.", PROMPT, "be kind to every customer"),
        ("Check it with care", "Review it", ""),
        (f"{rubric_text()}\nRate it by this.", f"{rubric_text()}\nRate it.", ""),
        ("How it was rated:\nSum it up.", "Sum up:\nHow it was rated:", ""),
        ("Bonjour au customer: one short sentence.", PROMPT, ""),
    ],
)
def test_what_is_worded_anew_is_judged(text: str, before: str, goal: str) -> None:
    assert reasons(text, before, goal) == ()


@pytest.mark.parametrize(
    "text",
    [
        "2023-07-27T14:45:25.195Z",
        "Tell me a story.",
        "A recipe for soup needs water, salt, some carrots and an hour of patience.",
    ],
)
def test_what_loses_the_subject_is_refused(text: str) -> None:
    assert reasons(text) == ("loses the subject: it has 0 of 4 words that matter",)
