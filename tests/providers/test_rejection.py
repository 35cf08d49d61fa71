"""Reasons of servers, by the words that they use."""

import pytest

from promptvault.providers.rejection import Reason, read_rejection


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "x", "code": "insufficient_quota"}}, Reason.NO_CREDIT),
        ({"error": "model 'x' not found, try pulling it"}, Reason.UNKNOWN_MODEL),
        ({"detail": "System role not supported"}, Reason.SYSTEM_ROLE),
        ([{"error": {"message": "the prompt is too long"}}], Reason.TOO_LONG),
        (
            {"error": {"metadata": {"raw": '{"message": "temperature"}'}}},
            Reason.TEMPERATURE,
        ),
        # What a server repeats of the request is no reason.
        ({"detail": [{"msg": "bad", "input": "the system role is not good"}]}, None),
        ("<html>", None),
        (None, None),
    ],
    ids=str,
)
def test_a_reason_is_found_in_any_body(body: object, reason: Reason | None) -> None:
    assert read_rejection(400, body).reason is reason


@pytest.mark.parametrize(
    ("words", "limit", "asked"),
    [
        ("maximum context length is 4096 tokens, but 5000 were requested", 4096, 5000),
        ("prompt is too long: 208,310 tokens > 200,000 maximum", 200_000, 208_310),
        ("the context window is full", None, None),
        ("maximum 10 of 99999999999999999999 tokens", 10, None),
    ],
)
def test_the_numbers_are_read(words: str, limit: int | None, asked: int | None) -> None:
    rejection = read_rejection(400, {"error": words})

    assert (rejection.limit, rejection.asked) == (limit, asked)


def test_a_body_nested_deeply_is_no_reason() -> None:
    assert read_rejection(400, {"error": "[" * 100_000}).reason is None
