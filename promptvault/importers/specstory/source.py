"""Reads the sessions that SpecStory saves as Markdown, of every vintage."""

import io
import re
from datetime import datetime
from itertools import islice

from promptvault.domain.digest import digest
from promptvault.importers.conversation.talk import Talk
from promptvault.importers.input.candidate import Draft, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import fit, moment
from promptvault.importers.input.lines import lines
from promptvault.importers.specstory.line import (
    GENERATED,
    HEADING,
    SESSION,
    TURN,
    Mark,
    Marks,
)
from promptvault.importers.specstory.turn import said

SOURCE = "specstory"

_PRELUDE = 30
"""How many lines may stand before the first turn of a file without a mark."""
_LONGEST = 8 << 20
_LINE_COST = 32
"""What a line takes beside its text, in bytes."""
_ZONED = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T_](\d\d)[:-](\d\d)(?:[:-](\d\d))?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)"
)
_TIME = re.compile(r"[\d/:.,TZ_ +-]+(?:[AP]M)?")


def probe(document: Document) -> bool:
    """Whether *document* is a SpecStory session; the oldest have no mark but their
    headings and speakers."""
    head = lines(io.BytesIO(document.head))
    filled = (line for line in head if line and not line.isspace())
    for line in islice(filled, _PRELUDE):
        if line.startswith(GENERATED) or SESSION.match(line) or TURN.match(line):
            return True
        if not HEADING.match(line):
            return False
    return False


def read(document: Document) -> Items:
    """Yield the sessions in *document*, which mostly is one."""
    session = _Session()
    is_empty = True
    with document.open() as stream:
        for mark, line in Marks(lines(stream)):
            if mark is Mark.TEXT:
                session.add(line)
                continue
            if session.has_begun and mark is not Mark.TURN:
                yield from session.end()
                session = _Session()
                is_empty = False
            session.take(mark, line)
            yield from session.talk.ready()
    if session.has_begun or is_empty:
        yield from session.end(is_last=True)


class _Session:
    """One session, as its lines come in."""

    def __init__(self) -> None:
        self.talk = Talk()
        self.has_begun = False
        self._key = ""
        self._shown_time = ""
        self._started: datetime | None = None
        self._turn: list[bytes] | None = None
        self._size = 0
        self._time = ""
        self._command_time: str | None = None

    def add(self, line: bytes) -> None:
        """Take the next line of a turn."""
        if self._turn is not None:
            self._turn.append(line)
            self._size += len(line) + _LINE_COST
            if self._size > _LONGEST:
                self._turn = None
                self.talk.skipped["too long"] += 1

    def take(self, mark: Mark, line: bytes) -> None:
        """Take the next mark."""
        if mark is Mark.TURN:
            self._close()
            self._open(line)
        elif mark is Mark.SESSION and (found := SESSION.match(line)):
            self._key = fit(found[1].decode(errors="replace"))
            self._started = _moment(found[2].decode(errors="replace"))
        elif mark is Mark.HEADING and (heading := HEADING.match(line)):
            self._head(fit(heading[1].decode(errors="replace")).strip())

    def end(self, *, is_last: bool = False) -> Items:
        """Yield what is left of the session; *is_last* of its file."""
        self._close(is_last)
        yield from self.talk.ready()
        yield from self.talk.end()

    def _head(self, shown: str) -> None:
        """Take a heading: a title, a time, or a title with a time in brackets."""
        title, bracket, time = shown.rpartition("(")
        if not bracket or not _TIME.fullmatch(time.removesuffix(")")):
            title, time = ("", shown) if _TIME.fullmatch(shown) else (shown, "")
        if title and title != "SpecStory":
            self.talk.title = title.strip()
        if time:
            self._shown_time = time.removesuffix(")").strip()
            self._started = self._started or _moment(time)

    def _open(self, line: bytes) -> None:
        found = TURN.match(line)
        speaker, aside, about = found.groups(b"") if found else (b"", b"", b"")
        if not self.has_begun:
            self.has_begun = True
            self.talk.key = self._key or self._shown_time or self.talk.title
        about_text = fit(about.decode(errors="replace"))
        if speaker != b"User":
            self._answer(about_text)
        elif aside:
            self.talk.skipped["subagent"] += 1
        else:
            self._turn, self._size, self._time = [], 0, about_text

    def _close(self, is_last: bool = False) -> None:
        """Take what was said in the user turn at hand, if it is one."""
        if self._turn is None:
            return
        turn = said(self._turn, is_last=is_last)
        self._turn = None
        if turn.reason:
            self.talk.skipped[turn.reason] += 1
        # What a command stands for comes as a turn of its own, in the same moment.
        is_expansion = bool(self._time) and self._time == self._command_time
        self._command_time = self._time if turn.reason == "slash command" else None
        if turn.body and not is_expansion:
            started = None if self.talk.has_prompts else self._started
            key = turn.message_id or digest(turn.body).hex()
            self.talk.say(Draft(turn.body, _moment(self._time) or started, key))

    def _answer(self, about: str) -> None:
        """Note the model that the prompt before was sent to."""
        self._command_time = None
        model = _ZONED.sub("", about).removeprefix("model ").partition(",")[0].strip()
        if model[:1].isalnum():
            self.talk.answer(model)


def _moment(shown: str) -> datetime | None:
    """Return the time shown; None without a zone, as the machine's is not known."""
    if found := _ZONED.search(shown):
        day, hour, minute, second, zone = found.groups()
        return moment(f"{day}T{hour}:{minute}:{second or '00'}{zone}")
    return None
