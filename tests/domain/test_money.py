"""Amounts of money in words."""

import pytest

from promptvault.domain.money import price_text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (900, "eur", "9.00 EUR"),
        (1_234_567, "usd", "12,345.67 USD"),
        (900, "jpy", "900 JPY"),
        (1234, "kwd", "1.234 KWD"),
        (0, "eur", "0.00 EUR"),
    ],
)
def test_the_unit_is_that_of_the_currency(
    amount: int, currency: str, text: str
) -> None:
    assert price_text(amount, currency) == text
