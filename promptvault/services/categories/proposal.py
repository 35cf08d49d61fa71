"""Proposed categories for a prompt, sanitized: a suggestion may be any text."""

import contextlib
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from promptvault.domain.name import leaf_of, slugify, validate_name
from promptvault.domain.prompt import (
    Details,
    Prompt,
    clean_line,
    short_line,
    validate_tag,
)
from promptvault.errors import InvalidInputError
from promptvault.secret_scan import redacted

MOST_TAGS = 3
"""The maximum number of tags to add to a prompt."""
TEXT_LENGTH = 1_100
"""Characters of the text that are read."""

_SHOWN_TITLE = 100
"""Characters of the title that are read."""

_DEPTH = 2
_PART_LENGTH = 30
_TAG_LENGTH = 40
_TITLE_LENGTH = 80
_JOINERS = "\u200c\u200d"
"""Invisible joiners, which Persian words and family emoji need."""


class Aspect(StrEnum):
    """A property of a prompt that can be proposed."""

    FOLDER = "folder"
    TAGS = "tags"
    TITLE = "title"


class Proposer(StrEnum):
    """Who made a proposal."""

    MODEL = "model"
    RULE = "rule"


class CategoryItem(NamedTuple):
    """A prompt to categorize."""

    prompt: Prompt
    text: str
    """The beginning of its text."""
    open: frozenset[Aspect]
    """What may be proposed; a person chose the rest."""

    @property
    def excerpt(self) -> str:
        """The text to read: the title, unless it repeats the text, and the text."""
        title, text = self.prompt.title[:_SHOWN_TITLE], self.text[:TEXT_LENGTH]
        return text if text.startswith(title.rstrip("…")) else f"{title}\n\n{text}"


class CategoryVocabulary(NamedTuple):
    """The folders and tags of the vault, the most used first."""

    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()
    """Folders that imports use; nothing is filed there."""


class CategorySuggestion(NamedTuple):
    """A suggestion for a prompt, not sanitized yet."""

    folder: str = ""
    tags: tuple[str, ...] = ()
    title: str = ""


class CategoryProposal(NamedTuple):
    """A change of one prompt that a person may accept."""

    prompt: Prompt
    """The prompt before the change."""
    name: str
    details: Details
    by: Proposer

    @property
    def new_tags(self) -> tuple[str, ...]:
        """The tags to add."""
        return self.details.tags[len(self.prompt.tags) :]

    @property
    def new_title(self) -> str:
        """The new title, '' if it does not change."""
        title = self.details.title
        return "" if title == self.prompt.title else title


class FreeNames:
    """Chooses names that no prompt has."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def take(self, wanted: str) -> str:
        """Return *wanted*, with a number appended if it is taken, and reserve it.

        Raises InvalidInputError if the result is too long.
        """
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(validate_name(name))
        return name


def make_proposal(
    item: CategoryItem,
    suggestion: CategorySuggestion,
    by: Proposer,
    vocabulary: CategoryVocabulary,
    names: FreeNames,
) -> CategoryProposal | None:
    """Return the change that *suggestion* makes, None if it changes nothing."""
    prompt, details = item.prompt, item.prompt.details
    folder = clean_folder(suggestion.folder, vocabulary)
    if Aspect.TITLE in item.open and (title := clean_title(suggestion.title)):
        details = details._replace(title=title)
    name = prompt.name
    if Aspect.FOLDER in item.open:
        name = _name_in(folder, prompt, names)
    if Aspect.TAGS in item.open:
        known = {*prompt.tags, *name.split("/")[:-1]}
        new = [tag for tag in clean_tags(suggestion.tags) if tag not in known]
        details = details._replace(tags=(*prompt.tags, *new[:MOST_TAGS]))
    if name == prompt.name and details == prompt.details:
        return None
    return CategoryProposal(prompt, name, details, by)


def _name_in(folder: str, prompt: Prompt, names: FreeNames) -> str:
    if not folder or f"{prompt.folder}/".startswith(f"{folder}/"):
        return prompt.name
    with contextlib.suppress(
        InvalidInputError
    ):  # folder and name are too long together
        return names.take(f"{folder}/{leaf_of(prompt.name)}")
    return prompt.name


def clean_folder(text: str, vocabulary: CategoryVocabulary) -> str:
    """Return *text* as a valid folder name, '' if it cannot be one."""
    wanted = unicodedata.normalize("NFC", text.strip().strip("/").lower())
    if wanted in vocabulary.folders:
        return wanted
    written = redacted(text[:200]).replace("\\", "/").split("/")
    parts = [slugify(part, _PART_LENGTH) for part in written]
    folder = "/".join([part for part in parts if part][:_DEPTH])
    with contextlib.suppress(InvalidInputError):
        if folder.partition("/")[0] not in vocabulary.sources:
            return validate_name(folder)
    return ""


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return the valid ones of *tags*, each once."""
    return list(dict.fromkeys(_fit_tags(tags)))


def _fit_tags(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        words = _visible(redacted(tag[:200])).replace(",", " ").split()
        joined = "-".join(words).lstrip("#").strip("\"'`.;:-").casefold()
        if len(joined) > _TAG_LENGTH or not any(map(str.isalnum, joined)):
            continue
        with contextlib.suppress(InvalidInputError):
            yield validate_tag(joined)


def clean_title(text: str) -> str:
    """Return *text* as a title: one line, no invisible characters, not too long."""
    line = clean_line(_visible(redacted(text[:1000]))).strip("\"'`*# ")
    return short_line(line, _TITLE_LENGTH)


def _visible(text: str) -> str:
    """Return *text* without bidirectional controls and invisible characters."""
    return "".join(
        sign
        for sign in text
        if sign in _JOINERS or unicodedata.category(sign) not in {"Cf", "Cs", "Co"}
    )
