"""Prompts, their versions and origins, as immutable values."""

import re
import unicodedata
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.name import folder_of
from promptvault.domain.variable import Variable
from promptvault.errors import InvalidInputError

LOCAL_SOURCE = "local"
"""The source of prompts that were not imported."""

MAX_BODY_CHARACTERS = 64 * 1024 * 1024


class Author(NamedTuple):
    """The author of a change, as git records it."""

    name: str
    email: str


class Origin(NamedTuple):
    """The message of a conversation in which a prompt was found."""

    source: str
    conversation_id: str | None = None
    conversation_title: str | None = None
    message_id: str | None = None
    model: str | None = None
    created_at: datetime | None = None
    url: str | None = None


class Content(NamedTuple):
    """Everything that decides what `get` prints; a change makes a new version."""

    body: str
    template: bool = False
    variables: tuple[Variable, ...] = ()


class ContentScan(NamedTuple):
    """What is stored about a content besides itself."""

    digest: bytes
    """Of the body."""
    secrets: tuple[str, ...]
    """Types of the likely secrets."""


class Version(NamedTuple):
    """One saved version of a prompt."""

    id: str
    number: int
    content: Content
    message: str
    author: Author
    created_at: datetime
    commit: str | None = None
    """Id of its commit in the history, None until the commit is written."""

    @property
    def body(self) -> str:
        """The text of this version."""
        return self.content.body


class Prompt(NamedTuple):
    """A prompt without its text, as lists show it."""

    id: str
    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    favourite: bool
    template: bool
    source: str
    version: int
    """Number of the current version."""
    labels: dict[str, int]
    """Label to version number."""
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None = None
    uses: int = 0
    deleted_at: datetime | None = None
    secrets: tuple[str, ...] = ()
    """Types of the likely secrets in the current version and in the details (name,
    title, description, tags), for example "GitHub Token"."""
    secrets_allowed: bool = False
    """True if a person allowed them to leave this vault."""
    version_id: str = ""
    """Id of the current version; unlike its number, sync never changes it."""
    versions: int = 1
    """Number of versions; the current one is not always the last."""
    in_conflict: bool = False
    """Whether there is a conflict that sync could not merge."""
    hold: str | None = None
    """Why sync does not send it, for example "limit"; None if it does."""

    @property
    def details(self) -> "Details":
        """Its title, description, tags and flags."""
        return Details(
            self.title,
            self.description,
            self.tags,
            self.favourite,
            self.secrets_allowed,
        )

    @property
    def is_held_back(self) -> bool:
        """Whether it must stay in this vault because of a likely secret."""
        return bool(self.secrets) and not self.secrets_allowed

    @property
    def held_back_for(self) -> str | None:
        """Why sync does not send it: "secrets", or `hold`; None if it does."""
        return "secrets" if self.is_held_back else self.hold

    @property
    def folder(self) -> str:
        """The folder of the prompt, '' without one."""
        return folder_of(self.name)


class Details(NamedTuple):
    """The properties of a prompt besides its text."""

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    secrets_allowed: bool = False


class PromptRecord(NamedTuple):
    """A prompt with all versions, oldest first, and all origins."""

    prompt: Prompt
    versions: tuple[Version, ...]
    origins: tuple[Origin, ...] = ()

    @property
    def current(self) -> Version:
        """The version that `get` prints."""
        number = self.prompt.version
        return next(each for each in self.versions if each.number == number)


def validate_body(text: str) -> str:
    """Return *text* if it is a valid body; raises InvalidInputError if not."""
    if not text.strip():
        raise InvalidInputError("The prompt is empty; nothing was saved.")
    if len(text) > MAX_BODY_CHARACTERS:
        raise InvalidInputError("The prompt is longer than 64 million characters.")
    if "\0" in text:
        raise InvalidInputError("The prompt holds a NUL byte; prompts are text.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInputError("The prompt is no valid UTF-8 text.") from None
    return text


def validate_tag(text: str) -> str:
    """Return *text* as a tag: lower case, no spaces or commas, 1 to 64 characters.

    Raises InvalidInputError.
    """
    tag = unicodedata.normalize("NFC", text.strip().lower())
    if not re.fullmatch(r"[^\s,\x00-\x1f\ud800-\udfff]{1,64}", tag):
        raise InvalidInputError(
            f"{text!r} is no tag: 1 to 64 characters without spaces or commas."
        )
    return tag


def clean_line(text: str) -> str:
    """Return *text* as one line, without control characters."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(c for c in line if unicodedata.category(c) not in {"Cc", "Cs"})


def short_line(text: str, length: int) -> str:
    """Return the first *length* characters of *text* as one line, with '…' if cut."""
    line = clean_line(text[: 4 * length])  # a text may be a book
    if len(line) > length or text[4 * length :].strip():
        return line[: length - 1].rstrip() + "…"
    return line


def validate_line(text: str, field: str) -> str:
    """Return *text* as one line of at most 1,000 printable characters.

    *field* is its name in the message of InvalidInputError, which is raised otherwise.
    """
    line = " ".join(text.split())
    if len(line) > 1000 or line != clean_line(line):
        raise InvalidInputError(f"The {field} must be one line of printable text.")
    return line
