"""Printing the account, and the devices that are signed in."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from promptvault.cli.render import billing as render_billing
from promptvault.cli.render.format import format_time
from promptvault.cli.render.hosted import format_hosted_use
from promptvault.cli.render.table import Column, print_table

if TYPE_CHECKING:
    from promptvault.client.address import Address
    from promptvault.wire.account import MeRead
    from promptvault.wire.ai import AiUsageRead
    from promptvault.wire.device import SignedInRead

_SHORT = 8
"""Characters of an id: enough to distinguish the devices of one user."""


def account(address: "Address", me: "MeRead", hosted: "AiUsageRead | None") -> None:
    """Print the user, the limits of the plan, and the usage."""
    device = f"{me.device.label} ({me.device.os})" if me.device else "none: a token"
    lines = (
        ("account", me.email),
        ("tier", me.tier),
        *render_billing.notice(me.notice, me.notice_at),
        *render_billing.usage(me.limits, me.usage),
        *_hosted(hosted),
        ("device", device),
        ("server", address.url),
    )
    print_table((Column("What", "dim"), Column("Value")), lines, "")


def _hosted(hosted: "AiUsageRead | None") -> Iterator[tuple[str, str]]:
    if hosted and hosted.cap_usd:
        yield "server's model", format_hosted_use(hosted)


def signed_in(found: Sequence["SignedInRead"]) -> None:
    """Print a line for each device and machine."""
    columns = (
        Column("Id", "cyan", wrap=False),
        Column("Device"),
        Column("System"),
        Column("Since", "dim", wrap=False),
        Column("Last seen", "dim", wrap=False),
    )
    lines = (
        (
            str(each.id)[:_SHORT],
            f"{each.label} (this one)" if each.is_current else each.label,
            "a token" if each.is_machine else each.os,
            format_time(each.created_at),
            format_time(each.last_seen_at),
        )
        for each in found
    )
    print_table(columns, lines, "Nothing is signed in.")
