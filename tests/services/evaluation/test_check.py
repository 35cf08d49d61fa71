"""The checks of `eval`: each holds or fails, and says why in one line."""

import json
import re
import signal
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Answer, Usage
from promptvault.services.evaluation.check import (
    CHECKS,
    JUDGE,
    Check,
    excerpt,
    find_failures,
    time_limit,
)


def answer(
    text: str, tokens: int = 10, seconds: float = 1, cut: bool = False
) -> Answer:
    """Return an answer of a model."""
    return Answer(text, "m", "e", Usage(5, tokens), 0.0, seconds, is_cut=cut)


def reason(key: str, expected: Any, given: Answer | str) -> str | None:
    """Return why a check fails, None if it holds."""
    whole = answer(given) if isinstance(given, str) else given
    found = find_failures([Check(key, expected)], whole)
    assert all(failure.check == key for failure in found)
    return found[0].reason if found else None


@pytest.mark.parametrize(
    ("key", "expected", "good", "bad"),
    [
        ("contains", ("Ada", "you"), "Hello Ada, you", "Hello ada, you"),
        ("icontains", ("STRASSE",), "die Straße", "die Gasse"),
        ("not_contains", ("sorry",), "Sorry", "I am sorry"),
        ("equals", "yes", " yes\n", "yes."),
        ("regex", (r"(?m)^\d+$", "7"), "1\n27\nx", "1 2\n7x"),
        ("regex", (r"(?i)\bok\b",), "It is OK.", "token"),
        ("not_regex", (r"(?m)^#",), "a # b", "a\n# b"),
        ("json", True, ' {"a": [1]} ', "{'a': 1}"),
        ("json_schema", {"type": "array"}, "[]", "{}"),
        ("max_words", 3, "one two\nthree", "one two three four"),
        ("max_chars", 3, "äöü", "äöü!"),
        ("max_tokens", 10, answer("x"), answer("x", tokens=11)),
        ("max_seconds", 1.5, answer("x"), answer("x", seconds=1.6)),
    ],
)
def test_each_check_holds_or_fails(
    key: str, expected: Any, good: Any, bad: Any
) -> None:
    assert reason(key, expected, good) is None
    why = reason(key, expected, bad)
    assert why
    assert "\n" not in why


def test_every_check_that_fails_is_told() -> None:
    checks = [Check("contains", ("a",)), Check("max_chars", 1), Check("json", True)]
    assert [f.check for f in find_failures(checks, answer("xyz"))] == [
        *("contains", "max_chars", "json")
    ]


def test_what_the_judge_decides_is_left_to_it() -> None:
    assert find_failures([Check(JUDGE, ("It is kind.",))], answer("x")) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('```json\n{"a": 1}\n```', "is JSON in a code fence"),
        ('Sure:\n{"a": 1}', "is no JSON"),
        ("NaN", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("", "is no JSON"),
    ],
)
def test_json_is_what_a_script_can_read(text: str, words: str) -> None:
    for key, expected in (("json", True), ("json_schema", {})):
        assert words in str(reason(key, expected, text))


def test_json_that_was_cut_off_says_so() -> None:
    assert "cut off" in str(reason("json", True, answer('{"a": ', cut=True)))


def test_a_reason_quotes_the_answer_shortly_and_in_one_line() -> None:
    why = reason("contains", ("x" * 1000,), "first\nsecond \x1b[31m" + "y" * 10_000)
    assert why
    assert "first second" in why
    assert len(why) < 200
    assert "\x1b" not in why


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("regex", (r"(a+)+$",)),
        ("not_regex", (r"(a|a)*c",)),
        ("json_schema", {"pattern": r"^(a+)+$"}),
    ],
)
def test_what_takes_too_long_fails_for_that(
    key: str, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptvault.services.evaluation.check._LONGEST_SECONDS", 0.05)
    text = "a" * 60 + "b"
    given = json.dumps(text) if key == "json_schema" else text
    assert "was not decided within" in str(reason(key, expected, given))


@given(st.text())
def test_an_excerpt_is_one_short_line(text: str) -> None:
    line = excerpt(text)
    assert line.startswith("“")
    assert line.endswith("”")
    assert len(line) <= 63
    assert len(line.splitlines()) == 1


@given(st.text(), st.text(min_size=1))
def test_contains_and_not_contains_are_opposites(text: str, part: str) -> None:
    held = [reason(key, (part,), text) is None for key in ("contains", "not_contains")]
    assert sorted(held) == [False, True]


@given(st.text())
def test_no_answer_breaks_a_check(text: str) -> None:
    expected: dict[str, Any] = {"equals": "a", "json": True, "json_schema": {}}
    expected |= dict.fromkeys((k for k in CHECKS if k.startswith("max_")), 1)
    checks = [Check(key, expected.get(key, ("a",))) for key in CHECKS]
    assert all(failure.reason for failure in find_failures(checks, answer(text)))


_ENDLESS = (r"(a+)+$", "a" * 60 + "b")


def test_a_regular_expression_is_interrupted() -> None:
    with pytest.raises(TimeoutError), time_limit(0.05):
        re.search(*_ENDLESS)


def test_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_another_thread_works_without_a_limit() -> None:
    done = []

    def work() -> None:
        with time_limit(0.001):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
