"""The rows of `billing --json`."""

from typing import TYPE_CHECKING

from promptvault.domain.timestamp import to_text

if TYPE_CHECKING:
    from promptvault.wire.billing import BillingRead, LinkRead


def billing_row(found: "BillingRead") -> dict[str, object]:
    """Return what the account pays for, as the server says it."""
    return found.model_dump(mode="json")


def link_row(link: "LinkRead") -> dict[str, object]:
    """Return a page to open."""
    expires = link.expires_at
    return {"url": link.url, "expires_at": to_text(expires) if expires else None}
