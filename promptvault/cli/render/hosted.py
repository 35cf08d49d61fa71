"""What was used of the server's model, for a person."""

from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_day, format_money

if TYPE_CHECKING:
    from promptvault.wire.ai import AiUsageRead


def report_hosted_use(hosted: "AiUsageRead | None") -> None:
    """Report on stderr what was used of the server's model, if the plan has it."""
    if hosted and hosted.cap_usd:
        terminal.note(f"The server's model: {format_hosted_use(hosted)}.")


def format_hosted_use(hosted: "AiUsageRead") -> str:
    """Return what was used of the server's model, and until when that counts."""
    done = format_count(hosted.optimizations, "optimization")
    return (
        f"{format_money(hosted.spent_usd)} of {format_money(hosted.cap_usd)} used,"
        f" {done}; starts again on {format_day(hosted.resets_at)}"
    )
