"""The three-way merge of texts, by `git merge-file`."""

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
    """Merge two texts derived from *base*, line by line.

    If both changed the same lines, the result contains the lines of all three texts
    between conflict markers with *labels* (ours, base, theirs). The line break at the
    end of the text is merged separately. Raise UnavailableError if git is not
    installed, VaultError if it fails.
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
    """Return True if *text* contains a conflict marker of a merge of *inputs*.

    Lines of the inputs that look like markers do not count: the markers of a merge have
    a length that no such line has.
    """
    size = _marker_size(*inputs)
    return any(len(found[0]) == size for found in _MARKER.finditer(text))


def _marker_size(*texts: str) -> int:
    """Return the shortest length of a marker that no line of *texts* starts with."""
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
        # The repository does not exist, so git reads no settings of one.
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
    """Return the line break at the end of the merge; *usual* if both changed it."""
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else usual
