"""JSON rows of shares."""

from typing import TYPE_CHECKING, Any

from promptvault.cli.rows.prompts import time_row

if TYPE_CHECKING:
    from promptvault.wire.share import ShareRead

_MADE = (
    *("id", "url", "raw_url", "mode", "version", "label", "expires_at"),
    *("has_password", "max_views"),
)


def made_row(share: "ShareRead") -> dict[str, Any]:
    """Return a new share as `share --json` prints it."""
    row = share_row(share)
    return {name: row[name] for name in _MADE}


def share_row(share: "ShareRead") -> dict[str, Any]:
    """Return a share as `shares list --json` prints it."""
    row = share.model_dump(mode="json")
    times = ("expires_at", "created_at", "last_view_at")
    return row | {name: time_row(getattr(share, name)) for name in times}
