"""The three-way merge of texts, by git."""

import re
import tempfile
from pathlib import Path

from promptvault.domain.merge import MergedText
from promptvault.history.command import GitCommand

_LEAST_MARKER = 7
_RUN = re.compile(r"^(?:<{7,}|\|{7,}|={7,}|>{7,})", re.MULTILINE)
_MARKER = re.compile(r"^(?:<+|\|+|=+|>+)(?=[ \r\n]|\Z)", re.MULTILINE)


def merge_text(
    base: str,
    ours: str,
    theirs: str,
    labels: tuple[str, str, str] = ("ours", "base", "theirs"),
) -> MergedText:
    """Merge line by line what two sides made of *base*.

    Where both changed the same lines, the text holds all three wordings between
    conflict markers that bear *labels* (for ours, base, theirs). Whether the text ends
    with a line break is merged apart from its lines. Raises UnavailableError without
    git, VaultError.
    """
    if ours in (base, theirs):
        return MergedText(theirs, clean=True)
    if theirs == base:
        return MergedText(ours, clean=True)
    texts = (ours, base, theirs)
    ending = "\r\n" if any("\r\n" in text for text in texts) else "\n"
    whole = [_without_break(text) + ending for text in texts]
    merged = _run_git(whole, labels, _marker_size(*texts))
    last = _last_break(_break_of(base), _break_of(ours), _break_of(theirs), ending)
    return merged._replace(text=merged.text.removesuffix(ending) + last)


def has_conflict_markers(text: str, *inputs: str) -> bool:
    """Tell whether *text* still holds a marker of a merge of *inputs*.

    Lines of the inputs that only look like markers are none: a merge makes its own of
    another length.
    """
    size = _marker_size(*inputs)
    return any(len(found[0]) == size for found in _MARKER.finditer(text))


def _marker_size(*texts: str) -> int:
    """Return the least length of a marker that no line of *texts* begins with."""
    taken = {len(found[0]) for text in texts for found in _RUN.finditer(text)}
    size = _LEAST_MARKER
    while size in taken:
        size += 1
    return size


def _run_git(
    texts: list[str], labels: tuple[str, str, str], marker_size: int
) -> MergedText:
    with tempfile.TemporaryDirectory(prefix="promptvault-") as folder:
        for label, text in zip(("ours", "base", "theirs"), texts, strict=True):
            (Path(folder) / label).write_bytes(text.encode())
        named = (part for label in labels for part in ("-L", label))
        # A repository that is not there: the settings of none are asked.
        status, output = GitCommand(Path(folder) / "none").run_for_status(
            *("merge-file", "-p", "--diff3", f"--marker-size={marker_size}"),
            *named,
            *("ours", "base", "theirs"),
        )
    return MergedText(output.decode(), clean=status == 0)


def _without_break(text: str) -> str:
    return text.removesuffix(_break_of(text))


def _break_of(text: str) -> str:
    if text.endswith("\r\n"):
        return "\r\n"
    return "\n" if text.endswith("\n") else ""


def _last_break(base: str, ours: str, theirs: str, usual: str) -> str:
    """Return what the merged text ends with; *usual* where both changed that."""
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else usual
