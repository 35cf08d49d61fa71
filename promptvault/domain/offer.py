"""A prompt that is offered to the vault, by an import, and not in it yet."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.prompt import Author, Content, Origin


class OfferedVersion(NamedTuple):
    """One wording, and the message that it came from."""

    content: Content
    created_at: datetime | None = None
    """None where the source has no time: then that of the import counts."""
    origin: Origin | None = None
    message: str = ""
    author: Author | None = None
    """None stands for the person who imports."""
    id: str = ""
    """The version's id in the vault that it comes from, '' from elsewhere."""


class Offer(NamedTuple):
    """A prompt with its versions, which are numbered from 1, the oldest first."""

    name: str
    versions: Sequence[OfferedVersion]
    source: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    labels: Mapping[str, int] = {}
    """Label to version number."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    origins: tuple[Origin, ...] = ()
    """Where else it was found."""
    deleted_at: datetime | None = None
    secrets_allowed: bool = False
    uses: int = 0
    used_at: datetime | None = None
    id: str = ""
    """The prompt's id in the vault that it comes from, '' from elsewhere."""
    version: int = 0
    """Number of the current version; 0 stands for the last."""

    @property
    def current_index(self) -> int:
        """Where the version that `get` would print stands among the versions."""
        return (self.version or len(self.versions)) - 1

    @property
    def current(self) -> OfferedVersion:
        """The version that `get` would print."""
        return self.versions[self.current_index]
