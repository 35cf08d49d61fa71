"""Programs for chats on this computer."""

from collections.abc import Iterator

from promptvault.importers.locations.location import Surroundings, ToolLocation


def locations(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the locations of these tools, whether they exist or not."""
    yield from ()
