"""Amounts of money in words."""

_WITHOUT_CENTS = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()
)
_WITH_THOUSANDTHS = frozenset("bhd jod kwd omr tnd".split())
"""Currencies of which Stripe counts another unit than the hundredth."""


def price_text(amount: int, currency: str) -> str:
    """Return an amount in the smallest unit of its currency, such as "9.00 EUR"."""
    code = currency.lower()
    digits = 0 if code in _WITHOUT_CENTS else 3 if code in _WITH_THOUSANDTHS else 2
    return f"{amount / 10**digits:,.{digits}f} {currency.upper()}"
