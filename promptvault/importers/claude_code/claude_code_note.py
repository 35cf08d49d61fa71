"""Takes the notes of Claude Code off what a person typed, in one pass."""

import re
from itertools import chain

_TAGS = "|".join(
    [
        "system-reminder",
        "user-prompt-submit-hook",
        "ide_opened_file",
        "ide_selection",
        "ide_diagnostics",
    ]
)
_OPENING = re.compile(rf"<({_TAGS})\b[^<>]*>")


def without_notes(body: str) -> str:
    """Return *body* without the notes at either end, and on lines of their own.

    Within a sentence somebody quotes them.
    """
    notes = _notes(body) if "<" in body else []
    if not notes:
        return body
    edges = [0, *chain.from_iterable(notes), len(body)]
    gaps = [body[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    first, last = _inner(gaps)
    if last < len(notes):
        gaps[last] = gaps[last].rstrip()
    if first:
        gaps[first] = gaps[first].lstrip()
    kept = [gaps[first]]
    while first < last:
        end = _end_of_line(gaps, first, last)
        if _is_own_line(gaps[first], gaps[end]):
            kept[-1] = kept[-1].rstrip(" \t")
            kept.append(gaps[end].partition("\n")[2])
        else:
            kept.append(body[notes[first][0] : notes[end - 1][1]])
            kept.append(gaps[end])
        first = end
    return "".join(kept)


def _notes(body: str) -> list[tuple[int, int]]:
    """Return where each note begins and ends."""
    found = []
    unclosed = set()  # not to look for the same end again and again
    at = 0
    while opening := _OPENING.search(body, at):
        tag, at = opening[1], opening.end()
        end = -1 if tag in unclosed else body.find(f"</{tag}>", at)
        if end < 0:
            unclosed.add(tag)
        else:
            at = end + len(f"</{tag}>")
            found.append((opening.start(), at))
    return found


def _inner(gaps: list[str]) -> tuple[int, int]:
    """Return the first and the last of the *gaps* between notes that hold words."""
    first, last = 0, len(gaps) - 1
    while first < last and not gaps[first].strip():
        first += 1
    while last > first and not gaps[last].strip():
        last -= 1
    return first, last


def _end_of_line(gaps: list[str], first: int, last: int) -> int:
    """Return which gap follows all notes that share the line with gap *first*."""
    end = first + 1
    while end < last and not gaps[end].strip(" \t"):
        end += 1
    return end


def _is_own_line(before: str, after: str) -> bool:
    indent, rest = before.rpartition("\n")[2], after.partition("\n")[0]
    return not indent.strip() and not rest.strip()
