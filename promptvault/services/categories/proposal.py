"""What categorising proposes for a prompt, made safe whoever suggested it."""

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
"""How many tags one categorising adds to a prompt."""
TEXT_LENGTH = 1_100
"""Characters of a prompt's text that are looked at."""

_SHOWN_TITLE = 100
"""Characters of a prompt's title that are looked at."""

_DEPTH = 2
_PART_LENGTH = 30
_TAG_LENGTH = 40
_TITLE_LENGTH = 80
_JOINERS = "\u200c\u200d"
"""Invisible, but letters of Persian and family emoji are made with them."""


class Aspect(StrEnum):
    """What can be proposed for a prompt."""

    FOLDER = "folder"
    TAGS = "tags"
    TITLE = "title"


class Proposer(StrEnum):
    """Who proposes."""

    MODEL = "model"
    RULE = "rule"


class CategoryItem(NamedTuple):
    """A prompt to categorise."""

    prompt: Prompt
    text: str
    """How its text begins."""
    open: frozenset[Aspect]
    """What may be proposed; the rest is as a person wanted it."""

    @property
    def excerpt(self) -> str:
        """What of the prompt is looked at: a title, if it tells more, and the text."""
        title, text = self.prompt.title[:_SHOWN_TITLE], self.text[:TEXT_LENGTH]
        return text if text.startswith(title.rstrip("…")) else f"{title}\n\n{text}"


class CategoryVocabulary(NamedTuple):
    """What the vault calls things, the most used first."""

    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()
    """Folders that imports fill by themselves; nothing is sorted into them."""


class CategorySuggestion(NamedTuple):
    """What somebody suggests for a prompt; it may be anything."""

    folder: str = ""
    tags: tuple[str, ...] = ()
    title: str = ""


class CategoryProposal(NamedTuple):
    """A change of one prompt that a person may accept."""

    prompt: Prompt
    """As it is."""
    name: str
    details: Details
    by: Proposer

    @property
    def new_tags(self) -> tuple[str, ...]:
        """The tags that join those it has."""
        return self.details.tags[len(self.prompt.tags) :]

    @property
    def new_title(self) -> str:
        """The title that it gets, '' where that stays."""
        title = self.details.title
        return "" if title == self.prompt.title else title


class FreeNames:
    """The names in use, and which one a prompt can still have."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def take(self, wanted: str) -> str:
        """Return *wanted*, or with the first number behind it that is free.

        Raises InvalidInputError where that is too long.
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
    """Return what changes if *suggestion* is followed, None where nothing does."""
    prompt, details = item.prompt, item.prompt.details
    folder = clean_folder(suggestion.folder, vocabulary)
    if Aspect.TITLE in item.open and (title := clean_title(suggestion.title)):
        details = details._replace(title=title)
    name = prompt.name
    if Aspect.FOLDER in item.open:
        name = _name_in(folder, prompt, names)
    if Aspect.TAGS in item.open:
        said = {*prompt.tags, *name.split("/")[:-1]}
        new = [tag for tag in clean_tags(suggestion.tags) if tag not in said]
        details = details._replace(tags=(*prompt.tags, *new[:MOST_TAGS]))
    if name == prompt.name and details == prompt.details:
        return None
    return CategoryProposal(prompt, name, details, by)


def _name_in(folder: str, prompt: Prompt, names: FreeNames) -> str:
    if not folder or f"{prompt.folder}/".startswith(f"{folder}/"):
        return prompt.name
    with contextlib.suppress(InvalidInputError):  # too long together
        return names.take(f"{folder}/{leaf_of(prompt.name)}")
    return prompt.name


def clean_folder(text: str, vocabulary: CategoryVocabulary) -> str:
    """Return *text* as a folder, one of the vault's where it means it; else ''."""
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
    """Return those of *tags* that can be tags, each once."""
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
    """Return *text* as a title: one line, nothing hidden in it, not too long."""
    line = clean_line(_visible(redacted(text[:1000]))).strip("\"'`*# ")
    return short_line(line, _TITLE_LENGTH)


def _visible(text: str) -> str:
    """Return *text* without what turns the line around or cannot be seen."""
    return "".join(
        sign
        for sign in text
        if sign in _JOINERS or unicodedata.category(sign) not in {"Cf", "Cs", "Co"}
    )
