"""The JSON of what was used of the server's model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptvault.wire.ai import AiUsageRead


def hosted_row(hosted: "AiUsageRead | None") -> dict[str, object] | None:
    """Return what was used of the server's model, None if it has none."""
    return hosted.model_dump(mode="json") if hosted else None
