"""Tasks that Cline and its forks export as Markdown, read line by line."""

import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promptvault.importers.cline.turn import TurnParser
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.lines import read_lines

_USER = b"**User:**"
_SPEAKERS = (_USER, b"**Assistant:**")
_MARKS = (
    *(b"<task>", b"<environment_details>", b"<user_message>", b"<user_input"),
    b"[TASK RESUMPTION]",
)
_NAME = re.compile(r"[a-z]+_task_\w+-\d+-\d{4}_[\d-]+-[ap]m")


def is_export(document: Document) -> bool:
    """Return True if *document* begins with a speaker and has Cline's own tags."""
    head = (line for line in read_lines(io.BytesIO(document.head)) if line.strip())
    first = next(head, b"").rstrip()
    return first in _SPEAKERS and any(line.startswith(_MARKS) for line in head)


def read(document: Document) -> Items:
    """Yield the one conversation in *document*, and a Failure if a prompt is cut off.

    The file name has the local time of an unknown machine, so times are those in the
    turns. Raises ImportSourceError if the file cannot be read further.
    """
    chat = LinearChat(_key(document))
    turn: TurnParser | None = None
    is_first = True
    with document.open() as stream:
        for line, opens in _marked(read_lines(stream)):
            if opens and turn:
                yield from _finish_turn(turn, chat, document, is_first)
                is_first = False
            if opens:
                turn = TurnParser() if line == _USER else None
            elif turn:
                turn.feed(line)
    if turn:
        yield from _finish_turn(turn, chat, document, is_first)
    yield from chat.finish()


def _marked(every: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each line, and True if it begins a turn.

    Files and logs within a turn have rules and speakers too, so a turn begins only
    after the full separator of an export: a blank line, the rule, a blank line and the
    speaker.
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
    if len(held) == 1:  # otherwise the rule belongs to a turn that was not written
        yield b"", False


def _finish_turn(
    turn: TurnParser, chat: LinearChat, document: Document, is_first: bool
) -> Items:
    turn.add_to(chat, None, is_bare=is_first)
    yield from chat.take_complete()
    if turn.is_cut:
        yield Failure(document.name, "a prompt is cut off")


def _key(document: Document) -> str:
    stem = PurePosixPath(document.name).name
    found = _NAME.match(stem)
    return found[0] if found else ""
