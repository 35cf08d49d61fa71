"""The rows of `whoami --json` and `devices --json`."""

from typing import TYPE_CHECKING

from promptvault.domain.timestamp import to_text

if TYPE_CHECKING:
    from promptvault.client.address import Address
    from promptvault.wire.account import MeRead
    from promptvault.wire.device import SignedInRead


def account_row(address: "Address", me: "MeRead") -> dict[str, object]:
    """Return the account and its server."""
    return {"server": address.url, **me.model_dump(mode="json")}


def signed_in_row(each: "SignedInRead") -> dict[str, object]:
    """Return a device or a machine."""
    seen = each.last_seen_at
    return {
        "id": str(each.id),
        "label": each.label,
        "os": each.os,
        "is_machine": each.is_machine,
        "is_current": each.is_current,
        "created_at": to_text(each.created_at),
        "last_seen_at": to_text(seen) if seen else None,
        "expires_at": to_text(each.expires_at),
    }
