"""Reads the Markdown that Cline and its forks export a task as, line by line."""

import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promptvault.importers.cline.turn import Turn
from promptvault.importers.conversation.talk import Talk
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.lines import lines

_USER = b"**User:**"
_SPEAKERS = (_USER, b"**Assistant:**")
_MARKS = (
    *(b"<task>", b"<environment_details>", b"<user_message>", b"<user_input"),
    b"[TASK RESUMPTION]",
)
_NAME = re.compile(r"[a-z]+_task_\w+-\d+-\d{4}_[\d-]+-[ap]m")


def is_export(document: Document) -> bool:
    """Whether *document* is such an export: a speaker first, and Cline's own tags."""
    head = (line for line in lines(io.BytesIO(document.head)) if line.strip())
    first = next(head, b"").rstrip()
    return first in _SPEAKERS and any(line.startswith(_MARKS) for line in head)


def read(document: Document) -> Items:
    """Yield the one conversation in *document*, and a prompt that is cut off.

    Its name holds when the task was last worked on, in the local time of some
    machine, so times come from what the turns themselves tell.
    """
    talk = Talk(_key(document))
    turn: Turn | None = None
    is_first = True
    with document.open() as stream:
        for line, opens in _marked(lines(stream)):
            if opens and turn:
                yield from _told(turn, talk, document, is_first)
                is_first = False
            if opens:
                turn = Turn() if line == _USER else None
            elif turn:
                turn.feed(line)
    if turn:
        yield from _told(turn, talk, document, is_first)
    yield from talk.end()


def _marked(every: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each line, and whether a turn opens with it.

    Files and logs within a turn hold rules and speakers as well, so all of what
    an export puts between two turns must be there: a blank line, the rule, a blank
    line and the speaker.
    """
    held: list[bytes] = []
    rule = [b"", b"---", b""]
    is_start = True
    for line in every:
        is_blank = not line or line.isspace()
        if line.rstrip() in _SPEAKERS and (is_start or held == rule):
            held.clear()
            yield line.rstrip(), True
        else:
            expected = rule[len(held)] if len(held) < len(rule) else None
            fits = (b"" if is_blank else line) == expected
            if not fits:
                yield from ((each, False) for each in held)
                held.clear()
            if fits or is_blank:
                held.append(b"" if is_blank else line)
            else:
                yield line, False
        is_start &= is_blank
    if len(held) == 1:  # otherwise the rule is of a turn that was never written
        yield b"", False


def _told(turn: Turn, talk: Talk, document: Document, is_first: bool) -> Items:
    turn.tell(talk, None, is_bare=is_first)
    yield from talk.ready()
    if turn.is_cut:
        yield Failure(document.name, "a prompt is cut off")


def _key(document: Document) -> str:
    stem = PurePosixPath(document.name).name
    found = _NAME.match(stem)
    return found[0] if found else ""
