"""Which words two texts share."""

import pytest

from promptvault.services.similar.subject import count_shared_words

GREETING = "Say hello to the customer in one short sentence."


@pytest.mark.parametrize(
    ("text", "other", "shared", "total"),
    [
        (GREETING, GREETING, 4, 4),
        (GREETING, "Greet customers in a SHORT sentence, with a hello", 4, 4),
        (GREETING, "2023-07-27T14:45:25.195Z", 0, 4),
        (GREETING, "to the in one say", 0, 4),
        ("Say hi", "Say hello", 1, 2),
        ("写一封短信给客户", "给客户写信", 5, 8),
        ("", "a text", 0, 0),
    ],
)
def test_inflections_count_and_function_words_do_not(
    text: str, other: str, shared: int, total: int
) -> None:
    assert count_shared_words(text, other) == (shared, total)
