"""Sessions that SpecStory saves as Markdown, in every form since its first release.

The format is observed in saved files; it is not documented.
"""

import io
import re
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    unwrapped_command,
)
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.input.candidate import NO_TEXT, Draft, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_time, sanitized
from promptvault.importers.input.lines import read_lines
from promptvault.importers.specstory.line import (
    GENERATED,
    HEADING,
    SESSION,
    TURN,
    LineClassifier,
    LineKind,
)

SOURCE = "specstory"

_MESSAGE_ID = re.compile(rb"<!-- message-id: (\S{1,200}) -->\s*\Z")
_STUMP = re.compile(rb"_(?:\*.*)?")
_IMAGES = re.compile(r"(?:User provided an image \([\w/+.-]*\)\.\s*+)+")
_REQUEST = "## My request for Codex:"
_COMMAND = re.compile(r"/[\w:.-]+")
_COMMANDS = ("<command-name>", "<command-message>", "<command-args>")
_MACHINE = (
    *("<local-command-", "<bash-input>", "<bash-stdout>", "<bash-stderr>"),
    *("<task-notification>", "<environment_context>", "<user_instructions>"),
    *("<turn_aborted>", "<permissions instructions>", "# AGENTS.md instructions "),
    *("[Request interrupted by user", "Caveat: The messages below were generated"),
    "This session is being continued from a previous conversation",
)
_PRELUDE = 30
"""Lines that may come before the first turn of a file without a mark."""
_LONGEST = 8 << 20
_LINE_COST = 32
"""Bytes that a line takes in addition to its text."""
_ZONED = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T_](\d\d)[:-](\d\d)(?:[:-](\d\d))?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)"
)
_TIME = re.compile(r"[\d/:.,TZ_ +-]+(?:[AP]M)?")


def probe(document: Document) -> bool:
    """Return True for a session; the oldest have no mark but headings and speakers."""
    head = read_lines(io.BytesIO(document.head))
    filled = (line for line in head if line and not line.isspace())
    for line in islice(filled, _PRELUDE):
        if line.startswith(GENERATED) or SESSION.match(line) or TURN.match(line):
            return True
        if not HEADING.match(line):
            return False
    return False


def read(document: Document) -> Items:
    """Yield the sessions in *document*, usually one.

    Raises ImportSourceError if the file cannot be read further.
    """
    session = _Session()
    is_empty = True
    with document.open() as stream:
        for mark, line in LineClassifier(read_lines(stream)):
            if mark is LineKind.TEXT:
                session.add(line)
                continue
            if session.has_begun and mark is not LineKind.TURN:
                yield from session.end()
                session = _Session()
                is_empty = False
            session.read_mark(mark, line)
            yield from session.chat.take_complete()
    if session.has_begun or is_empty:
        yield from session.end(is_last=True)


class _ParsedTurn(NamedTuple):
    """What a turn holds."""

    body: str = ""
    reason: str | None = None
    """Why there is no body; None also if no person wrote."""
    message_id: str | None = None
    is_command: bool = False


class _Session:
    """One session while it is read."""

    def __init__(self) -> None:
        self.chat = LinearChat()
        self.has_begun = False
        self._key = ""
        self._shown_time = ""
        self._started: datetime | None = None
        self._turn: list[bytes] | None = None
        self._size = 0
        self._time = ""
        self._command_time: str | None = None

    def add(self, line: bytes) -> None:
        """Add the next line of a turn."""
        if self._turn is not None:
            self._turn.append(line)
            self._size += len(line) + _LINE_COST
            if self._size > _LONGEST:
                self._turn = None
                self.chat.skipped["too long"] += 1

    def read_mark(self, mark: LineKind, line: bytes) -> None:
        """Read the next mark."""
        if mark is LineKind.TURN:
            self._close_turn()
            self._open_turn(line)
        elif mark is LineKind.SESSION and (found := SESSION.match(line)):
            self._key = sanitized(found[1].decode(errors="replace"))
            self._started = _moment(found[2].decode(errors="replace"))
        elif mark is LineKind.HEADING and (heading := HEADING.match(line)):
            self._read_heading(sanitized(heading[1].decode(errors="replace")).strip())

    def end(self, *, is_last: bool = False) -> Items:
        """Yield the rest of the session; *is_last* says that the file ends."""
        self._close_turn(is_last)
        yield from self.chat.take_complete()
        yield from self.chat.finish()

    def _read_heading(self, shown: str) -> None:
        """Read a heading: a title, a time, or a title with a time in brackets."""
        title, bracket, time = shown.rpartition("(")
        if not bracket or not _TIME.fullmatch(time.removesuffix(")")):
            title, time = ("", shown) if _TIME.fullmatch(shown) else (shown, "")
        if title and title != "SpecStory":
            self.chat.title = title.strip()
        if time:
            self._shown_time = time.removesuffix(")").strip()
            self._started = self._started or _moment(time)

    def _open_turn(self, line: bytes) -> None:
        found = TURN.match(line)
        speaker, sidechain, about = found.groups(b"") if found else (b"", b"", b"")
        if not self.has_begun:
            self.has_begun = True
            self.chat.key = self._key or self._shown_time or self.chat.title
        about_text = sanitized(about.decode(errors="replace"))
        if speaker != b"User":
            self._set_model(about_text)
        elif sidechain:
            self.chat.skipped["subagent"] += 1
        else:
            self._turn, self._size, self._time = [], 0, about_text

    def _close_turn(self, is_last: bool = False) -> None:
        """Add the current user turn, if there is one."""
        if self._turn is None:
            return
        turn = _parse_turn(self._turn, is_last=is_last)
        self._turn = None
        if turn.reason:
            self.chat.skipped[turn.reason] += 1
        # The text of a command comes as a turn of its own with the same time.
        is_expansion = bool(self._time) and self._time == self._command_time
        is_command = turn.is_command or turn.reason == SLASH_COMMAND
        self._command_time = self._time if is_command else None
        if turn.body and not is_expansion:
            started = None if self.chat.has_prompts else self._started
            key = turn.message_id or digest(turn.body).hex()
            made = _moment(self._time) or started
            self.chat.add(Draft(turn.body, made, key, is_command=turn.is_command))

    def _set_model(self, about: str) -> None:
        """Set the model that the last prompt was sent to."""
        self._command_time = None
        model = _ZONED.sub("", about).removeprefix("model ").partition(",")[0].strip()
        if model[:1].isalnum():
            self.chat.set_model(model)


def _moment(shown: str) -> datetime | None:
    """Return the time; None without a zone, as that of the machine is not known."""
    if found := _ZONED.search(shown):
        day, hour, minute, second, zone = found.groups()
        return as_time(f"{day}T{hour}:{minute}:{second or '00'}{zone}")
    return None


def _parse_turn(lines: list[bytes], *, is_last: bool) -> _ParsedTurn:
    """Return what a person typed in *lines*; the last turn of a file may be cut off."""
    message_id = None
    if lines and (found := _MESSAGE_ID.match(lines[0])):
        message_id, lines = sanitized(found[1].decode(errors="replace")), lines[1:]
    kept = _without_rule(lines, is_last)
    body = _typed(sanitized(b"\n".join(kept).decode(errors="replace")))
    if not body:
        return _ParsedTurn(reason=NO_TEXT)
    if _COMMAND.fullmatch(body):
        return _ParsedTurn(reason=SLASH_COMMAND)
    if body.startswith(_COMMANDS):
        typed = unwrapped_command(body)
        if not typed:
            return _ParsedTurn(reason=SLASH_COMMAND)
        return _ParsedTurn(typed, None, message_id, is_command=True)
    if body.startswith(_MACHINE):
        return _ParsedTurn()
    return _ParsedTurn(body, None, message_id)


def _without_rule(lines: list[bytes], is_last: bool) -> list[bytes]:
    """Drop the rule at the end of a turn, and the cut-off start of the next one."""
    kept = _without_blank(lines)
    if is_last and kept:
        rest = _without_blank(kept[:-1])
        if kept[-1] in (b"-", b"--"):
            kept = rest
        elif rest and rest[-1].rstrip() == b"---" and _STUMP.fullmatch(kept[-1]):
            kept = rest
    return kept[:-1] if kept and kept[-1].rstrip() == b"---" else kept


def _without_blank(lines: list[bytes]) -> list[bytes]:
    end = len(lines)
    while end and (not lines[end - 1] or lines[end - 1].isspace()):
        end -= 1
    return lines[:end]


def _typed(body: str) -> str:
    """Remove what agents add around a person's text."""
    body = _without(body, "<system-reminder>", "</system-reminder>").strip()
    _, opening, inside = body.partition("<user_query>")
    query, closing, _ = inside.partition("</user_query>")
    if opening and closing:
        body = query
    if images := _IMAGES.match(body):
        body = body[images.end() :]
    if body.startswith("# Context from my IDE setup:"):
        body = body.partition(_REQUEST)[2] or body
    return body.strip()


def _without(body: str, opening: str, closing: str) -> str:
    kept, at = [], 0
    while (start := body.find(opening, at)) >= 0:
        end = body.find(closing, start)
        if end < 0:
            break
        kept.append(body[at:start])
        at = end + len(closing)
    return "".join([*kept, body[at:]])
