"""`diff`: two versions as a unified diff."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from promptvault.domain.name import parse_reference
from promptvault.domain.prompt import Prompt, Version
from promptvault.services.prompts.retrieval import resolve
from promptvault.vault.reader import Reader

_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two versions, and the difference of their texts."""

    old: tuple[Prompt, Version]
    new: tuple[Prompt, Version]
    lines: tuple[str, ...]
    """A unified diff without line ends; empty if the texts are equal."""


def diff_versions(reader: Reader, old: str, new: str | None = None) -> Difference:
    """Compare ``NAME[@A]`` with ``@B``, ``NAME[@B]`` or the current version.

    Without ``@A``, the old version is the one before the new version; the first version
    is compared with itself. Raises NotFoundError, InvalidInputError.
    """
    parsed = parse_reference(old)
    after = resolve(reader, _right_side(parsed.name, new))
    if parsed.revision is None and (new is None or new.startswith("@")):
        before = after[0], reader.version_before(*after)
    else:
        before = resolve(reader, old)
    names = (f"{prompt.name}@{version.number}" for prompt, version in (before, after))
    lines = unified_diff(before[1].body, after[1].body, *names)
    return Difference(before, after, tuple(lines))


def _right_side(name: str, new: str | None) -> str:
    if new is None:
        return name
    return name + new if new.startswith("@") else new


def unified_diff(old: str, new: str, old_name: str, new_name: str) -> Iterator[str]:
    """Yield the unified diff of two texts, line by line, without line ends."""
    before, after = _split(old), _split(new)
    for line in difflib.unified_diff(before, after, old_name, new_name):
        yield line.removesuffix("\n")
        if line[0] in "+- " and not line.endswith("\n"):
            yield _NO_NEWLINE


def _split(text: str) -> list[str]:
    """Split at ``\\n`` only, as git does."""
    lines = text.split("\n")
    ended = [f"{line}\n" for line in lines[:-1]]
    return ended + lines[-1:] if lines[-1] else ended
