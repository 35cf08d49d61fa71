"""Chats that Cursor exported as Markdown; one file may hold several."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from promptvault.importers.cursor.chat import CursorChat
from promptvault.importers.cursor.date import export_time
from promptvault.importers.cursor.envelope import parse_message
from promptvault.importers.input.candidate import Conversation, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import sanitized
from promptvault.importers.input.lines import read_lines

_EXPORTED = re.compile(r"_Exported on (.+) from Cursor\b.*_")
_START = re.compile(rf"^{_EXPORTED.pattern}\s*$", re.MULTILINE)
_USER, _CURSOR = "**User**", "**Cursor**"
_TITLE = "# "
_UNTITLED = "Exported chat"
_RULE = re.compile(r"[-_=*]{2,}|-")
_FENCE = re.compile(r"\s*(`{3,}(?!.*`)|~{3,})(.*)")
_REACH = 20_000
"""Lines within which the end of a code block is searched for."""


def probe(head: str) -> bool:
    """Return True if a file that begins with *head* holds an exported chat."""
    return bool(_START.search(head)) and (_USER in head or _CURSOR in head)


def read(document: Document) -> Items:
    """Yield the chats in *document*, which is read line by line.

    Raises ImportSourceError if the file cannot be read further.
    """
    with document.open() as stream:
        source = (
            sanitized(line.decode(errors="replace")) for line in read_lines(stream)
        )
        yield from _Reader(source).chats()


class _Reader:
    """Finds a person's turns among lines that only look like their start.

    A turn begins after a rule, with the speaker alone on a line. In a code block such a
    line is text, unless the block has no end.
    """

    def __init__(self, source: Iterable[str]) -> None:
        self._source = iter(source)
        self._ahead: deque[str] = deque()
        self._block: str | None = None
        self._has_end = False
        self._before = ""
        self._follows_blank = False
        self._said: list[str] | None = None
        self._chat: CursorChat | None = None
        self._time: datetime | None = None

    def chats(self) -> Iterator[Conversation]:
        while self._has_ahead(1):
            line = self._ahead.popleft()
            bare = line.strip()
            if (found := _EXPORTED.fullmatch(bare)) and self._begins_chat():
                yield from self._finished(has_title=True)
                title = self._before.removeprefix(_TITLE)
                self._chat = CursorChat(None, title.strip() or _UNTITLED)
                self._time = export_time(found[1])
            elif self._chat and bare in (_USER, _CURSOR) and self._begins_turn():
                self._end_turn()
                self._said = [] if bare == _USER else None
            else:
                self._track_block(line)
                if self._said is not None:
                    self._said.append(line)
            self._before = bare or self._before
            self._follows_blank = not bare
        yield from self._finished()

    def _has_ahead(self, number: int) -> bool:
        """Return True if *number* more lines follow; they are then in `_ahead`."""
        while len(self._ahead) < number:
            line = next(self._source, None)
            if line is None:
                return False
            self._ahead.append(line)
        return True

    def _begins_chat(self) -> bool:
        return self._before.startswith(_TITLE) and not self._is_in_block()

    def _begins_turn(self) -> bool:
        follows = self._before == "---" or _EXPORTED.fullmatch(self._before)
        is_last = not self._has_ahead(1) or not self._ahead[0].strip()
        is_alone = self._follows_blank and is_last
        return bool(follows) and is_alone and not self._is_in_block()

    def _track_block(self, line: str) -> None:
        found = _FENCE.match(line)
        if not found:
            return
        if not self._block:
            self._block, self._has_end = found[1], False
        elif found[1].startswith(self._block) and not found[2].strip():
            self._block = None

    def _is_in_block(self) -> bool:
        if self._block and not self._has_end:
            self._has_end = self._finds_end(self._block)
            if not self._has_end:
                self._block = None
        return bool(self._block)

    def _finds_end(self, block: str) -> bool:
        """Return True if the next fence closes *block*.

        If the next fence opens another block, the end of this one was forgotten.
        """
        for index in range(_REACH):
            if not self._has_ahead(index + 1):
                return False
            found = _FENCE.match(self._ahead[index])
            if found and found[1].startswith(block):
                return not found[2].strip() and not self._precedes_text(index)
        return False

    def _precedes_text(self, index: int) -> bool:
        """Return True if the line at *index* has a blank line before and text after
        it."""
        blank_before = index > 0 and not self._ahead[index - 1].strip()
        return (
            blank_before and self._has_ahead(index + 2) and bool(self._ahead[index + 1])
        )

    def _end_turn(self) -> None:
        if self._chat and self._said is not None:
            said = "\n".join(_without_rule(self._said)).strip()
            self._chat.add(parse_message(said), made=self._time)
        self._said = self._block = None

    def _finished(self, *, has_title: bool = False) -> Iterator[Conversation]:
        """Yield the current chat, without what separates it from the next one."""
        if self._said is not None:
            self._said = _without_end(self._said, has_title=has_title)
        self._end_turn()
        if self._chat:
            yield self._chat.conversation()
        self._chat = None


def _without_blanks(said: list[str]) -> list[str]:
    end = len(said)
    while end and not said[end - 1].strip():
        end -= 1
    return said[:end]


def _without_rule(said: list[str]) -> list[str]:
    """Drop the rule before the next turn."""
    said = _without_blanks(said)
    return said[:-1] if said and said[-1].strip() == "---" else said


def _without_end(said: list[str], *, has_title: bool) -> list[str]:
    """Drop what the person did not write at the end of a chat.

    That is the title of the next one, rules, and half a speaker where the file is cut
    off.
    """
    said = _without_blanks(said)
    if has_title:
        said = _without_blanks(said[:-1])
    *others, last = said or [""]
    others = _without_blanks(others)
    if last and _is_rule(others[-1:]) and _is_half_name(last):
        said = others
    while _is_rule(said[-1:]):
        said = _without_blanks(said[:-1])
    return said


def _is_half_name(line: str) -> bool:
    return _USER.startswith(line) or _CURSOR.startswith(line)


def _is_rule(line: list[str]) -> bool:
    return bool(line and _RULE.fullmatch(line[0].strip()))
