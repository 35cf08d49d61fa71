"""A prompt on its way into the vault: from an import, an export or the history."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.prompt import Author, Content, ContentScan, Origin


class ImportedVersion(NamedTuple):
    """One version of a prompt, and the message it was found in."""

    content: Content
    created_at: datetime | None = None
    """Aware UTC time; None if the source has none: the time of the import is used."""
    origin: Origin | None = None
    message: str = ""
    author: Author | None = None
    """None is the person who imports."""
    id: str = ""
    """The version's id in the vault that exported it; '' for any other source."""
    scan: ContentScan | None = None
    """None if the content was not scanned yet. The process that reads a large file
    scans it."""


class ImportedPrompt(NamedTuple):
    """A prompt with its versions, oldest first; version numbers start at 1."""

    name: str
    versions: Sequence[ImportedVersion]
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
    """Other places where the prompt was found."""
    deleted_at: datetime | None = None
    secrets_allowed: bool = False
    uses: int = 0
    used_at: datetime | None = None
    id: str = ""
    """The prompt's id in the vault that exported it; '' for any other source."""
    version: int = 0
    """Number of the current version; 0 is the last."""

    @property
    def current_index(self) -> int:
        """Index in `versions` of the version that `get` prints."""
        return (self.version or len(self.versions)) - 1

    @property
    def current(self) -> ImportedVersion:
        """The version that `get` prints."""
        return self.versions[self.current_index]
