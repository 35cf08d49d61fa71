"""Numbers, sizes, times and prices as words for a person."""

from datetime import datetime


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, for example "2 prompts"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_size(number: int) -> str:
    """Return *number* bytes in the largest fitting decimal unit (B, kB, MB or GB)."""
    if number < 1000:
        return f"{number} B"
    amount = number / 1000
    for unit in ("kB", "MB"):
        if amount < 1000:
            return f"{amount:,.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def format_money(dollars: float | None) -> str:
    """Return US dollars, precise enough for fractions of a cent."""
    if dollars is None:
        return "price not known"
    if not dollars:
        return "$0"
    if dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def format_day(time: datetime | None) -> str:
    """Return the date of *time* in the local time zone, "" for None."""
    return time.astimezone().strftime("%Y-%m-%d") if time else ""


def format_time(time: datetime | None) -> str:
    """Return *time* in the local time zone to the minute, "" for None."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M") if time else ""


def format_zoned_time(time: datetime) -> str:
    """Return *time* in the local time zone with its offset, as NAME@TIME accepts it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M %z}"
