"""Names of prompts: what is allowed, how a title becomes one, how NAME@REV is read."""

import re
import unicodedata
from collections import namedtuple
from functools import lru_cache

from promptvault.errors import InvalidInputError

MAX_CHARACTERS = 200
MAX_PART_BYTES = 240
"""File systems stop at 255 bytes a file name; `.md` and a suffix must still fit."""

_PUNCTUATION = frozenset("-_.")


@lru_cache(maxsize=4096)
def _is_name_character(character: str) -> bool:
    if character in _PUNCTUATION or character.isdigit():
        return True
    # Marks belong to the letters of many scripts (Hindi vowels, for instance).
    return unicodedata.category(character) in {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"}


def validate_name(text: str) -> str:
    """Return *text* as a prompt's name (Unicode composed).

    Raises InvalidInputError if it is not a path of lower case letters, digits, ``-``,
    ``_`` and ``.``, or is not a valid file name in the history.
    """
    name = unicodedata.normalize("NFC", text)
    if not name or len(name) > MAX_CHARACTERS:
        raise InvalidInputError(
            f"A name has 1 to {MAX_CHARACTERS} characters; this one has {len(name)}."
        )
    for part in name.split("/"):
        _validate_part(part, name)
    return name


def _validate_part(part: str, name: str) -> None:
    problem = None
    if not part:
        problem = "has an empty part; folders are separated by one '/'"
    elif part[0] in "-." or part[-1] == ".":
        problem = "has a part that starts with '-' or '.', or ends with '.'"
    elif part.endswith(".md"):
        problem = "has a part that ends with '.md', which the history adds by itself"
    elif not all(map(_is_name_character, part)):
        problem = "may hold lower case letters, digits, '-', '_', '.' and '/' only"
    elif len(part.encode()) > MAX_PART_BYTES:
        problem = f"has a part of more than {MAX_PART_BYTES} bytes"
    if problem:
        raise InvalidInputError(f"The name {name!r} {problem}.")


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_NOT_IN_A_SLUG = re.compile(r"[\x00-/:-`{-\x7f]+")
"""ASCII except a-z and 0-9. Its complement takes 5 ms to compile."""


def _kept(found: re.Match[str]) -> str:
    return found[0] if _is_name_character(found[0]) else "-"


def slugify(text: str, limit: int = 60) -> str:
    """Return *text* as one part of a name, cut at a word, or '' if nothing is left."""
    lowered = unicodedata.normalize("NFC", text[: limit * 2].lower())
    if not lowered.isascii():
        lowered = _NOT_ASCII.sub(_kept, lowered)
    slug = _NOT_IN_A_SLUG.sub("-", lowered).strip("-")
    if len(slug) > limit:
        slug = slug[: limit + 1].rpartition("-")[0] or slug[:limit]
    while len(slug.encode()) > MAX_PART_BYTES - 20:
        slug = slug[:-1]
    return slug.strip("-")


def folder_of(name: str) -> str:
    """Return the folder of *name*, '' at the top."""
    return name.rpartition("/")[0]


def leaf_of(name: str) -> str:
    """Return the last part of *name*."""
    return name.rpartition("/")[2]


_MARK = "~"
"""Stands in no name that a person can give."""


def told_apart(name: str, prompt_id: str, digits: int = 4) -> str:
    """Return the name that is shown for a prompt while another one has its *name*."""
    return f"{name}{_MARK}{prompt_id[:digits]}"


def own_name(shown: str, prompt_id: str) -> str:
    """Return the name of a prompt that may be *shown* as `told_apart` has it."""
    name, _, digits = shown.rpartition(_MARK)
    return name if name and prompt_id.startswith(digits) else shown


def split_vault(text: str) -> tuple[str | None, str]:
    """Split ``VAULT:NAME[@REV]`` after the name of the vault; None if there is none.

    The time in ``NAME@2026-05-01 09:30`` has a ':' too, as has a URL.
    """
    vault, colon, rest = text.partition(":")
    if not colon or not vault or "@" in vault or rest.startswith("//"):
        return None, text
    return vault, rest


def in_vault(vault: str | None, name: str) -> str:
    """Return the address of the prompt *name* in *vault*; in the user's own if None."""
    return f"{vault}:{name}" if vault else name


class Reference(namedtuple("Reference", ["name", "revision"], defaults=[None])):
    """What a user typed to mean a prompt, or one version of it: ``NAME[@REV]``."""

    __slots__ = ()


def parse_reference(text: str) -> Reference:
    """Split ``NAME[@REV]``; raises InvalidInputError when either part is empty."""
    name, at, revision = text.partition("@")
    if not name or (at and not revision):
        raise InvalidInputError(f"{text!r} is no NAME or NAME@REV.")
    return Reference(unicodedata.normalize("NFC", name), revision or None)
