"""Aider's files in a repository: the chat history and the history of the input.

Both are appended to by all sessions of a repository. Their formats are those of
`aider/io.py`, and of prompt_toolkit's `FileHistory`.
"""

import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promptvault.domain.digest import digest
from promptvault.importers.agents.aider_input import input_entries, is_answer
from promptvault.importers.agents.aider_text import Typed, local_time, parse_typed
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.input.candidate import Draft, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import sanitized
from promptvault.importers.input.lines import read_lines
from promptvault.importers.locations.agent import AIDER_CHATS

SOURCE = "aider"

_INPUT = re.compile(r"aider.*input.*history", re.IGNORECASE)
_START = re.compile(rb"# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s*\Z")
_MODEL = re.compile(rb"> (?:Main m|M)odel: (\S+)")
_PROMPT = b"####"
_BREAK = b"  "
"""Ends each line that Aider writes for a prompt; a heading of an answer has none."""
_FENCE = re.compile(rb" {0,3}(`{3,}|~{3,})([^`]*)\Z")
# Aider writes these after an answer, so a fence that is open then was never closed.
_AFTER_ANSWER = re.compile(
    rb"> (?:Tokens: |Applied edit to |Commit [0-9a-f]{7} |\^C|Added |Main model: )"
)
_LONGEST_ANSWER = 10_000
"""Lines of an answer that are compared with what follows."""


def probe(document: Document) -> bool:
    """Return True for a chat history or an input history of Aider."""
    if PurePosixPath(document.name).name == AIDER_CHATS or _is_input(document):
        return True
    return any(map(_START.match, _head_lines(document)))


def read(document: Document) -> Items:
    """Yield the prompts of each session in *document*.

    Raises ImportSourceError if the file cannot be read further.
    """
    return _input_history(document) if _is_input(document) else _chats(document)


def _head_lines(document: Document) -> Iterator[bytes]:
    return read_lines(io.BytesIO(document.head))


def _is_input(document: Document) -> bool:
    """Return True for an input history, whose content names no program."""
    if not _INPUT.search(PurePosixPath(document.name).name):
        return False
    first = next(filter(None, _head_lines(document)), b"")
    return first.startswith(b"# ")


def _chats(document: Document) -> Items:
    has_breaks = _has_breaks(document)
    session: _Session | None = None
    with document.open() as stream:
        for line in read_lines(stream):
            if found := _START.match(line):
                if session:
                    yield from session.end()
                session = _Session(found[1].decode(), has_breaks=has_breaks)
            elif session or line.strip():
                session = session or _Session("", has_breaks=has_breaks)
                session.add(line)
                yield from session.chat.take_complete()
    if session:
        yield from session.end()


def _has_breaks(document: Document) -> bool:
    """Return False if an editor removed the spaces at the ends of lines."""
    lines = [line for line in _head_lines(document) if line.startswith(_PROMPT)]
    return not lines or any(line.endswith(_BREAK) for line in lines)


class _Session:
    """The lines from one start of Aider to the next."""

    def __init__(self, started: str, *, has_breaks: bool) -> None:
        self.chat = LinearChat(started)
        self._made = local_time(started)
        self._has_breaks = has_breaks
        self._model: str | None = None
        self._typed: list[bytes] = []
        self._answer: list[bytes] = []
        self._fence = b""
        self._echo: str | None = None
        """Text that Aider writes again because a command sends it."""

    def add(self, line: bytes) -> None:
        """Add the next line."""
        if self._is_typed(line):
            self._typed.append(line.removeprefix(_PROMPT).removeprefix(b" "))
            return
        self._close()
        self._read_fence(line)
        if found := _MODEL.match(line):
            self._model = sanitized(found[1].decode(errors="replace"))
        elif len(self._answer) < _LONGEST_ANSWER:
            self._answer.append(line)

    def end(self) -> Items:
        """Yield the rest of the session."""
        self._close()
        yield from self.chat.take_complete()
        yield from self.chat.finish()

    def _is_typed(self, line: bytes) -> bool:
        if self._fence or not line.startswith(_PROMPT):
            return False
        rest = line[len(_PROMPT) :]
        if self._has_breaks and not rest.endswith(_BREAK):
            return False
        return not rest or rest.startswith(b" ")

    def _read_fence(self, line: bytes) -> None:
        """Follow the code blocks of answers, in which lines may look like prompts."""
        found = _FENCE.match(line)
        if self._fence and _AFTER_ANSWER.match(line):
            self._fence = b""
        elif found and not self._fence:
            self._fence = found[1]
        elif found and found[1].startswith(self._fence) and not found[2].strip():
            self._fence = b""

    def _close(self) -> None:
        """Add the prompt whose lines were read, if there are some."""
        if not self._typed:
            return
        lines = [line.removesuffix(_BREAK) for line in self._typed]
        is_copied = _is_tail(lines, self._answer)
        self._typed, self._answer = [], []
        if not is_copied:
            self._add_prompt(b"\n".join(lines).decode(errors="replace"))

    def _add_prompt(self, body: str) -> None:
        typed = parse_typed(sanitized(body))
        is_echo = self._echo is not None and typed.body == self._echo
        self._echo = typed.sent
        if typed.reason:
            self.chat.skipped[typed.reason] += 1
        elif typed.body and not is_echo:
            self.chat.add(self._draft(typed))

    def _draft(self, typed: Typed) -> Draft:
        key = digest(typed.body).hex()
        return Draft(
            typed.body, self._made, key, self._model, is_command=typed.is_command
        )


def _is_tail(lines: list[bytes], answer: list[bytes]) -> bool:
    """Return True if *lines* are the end of *answer*.

    In architect mode Aider sends the plan to a second model, as if it were typed.
    """
    copied, said = _words(lines), _words(answer)
    return bool(copied) and said[-len(copied) :] == copied


def _words(lines: list[bytes]) -> list[bytes]:
    """Return the lines without blank ones, and without those of Aider itself."""
    stripped = (line.strip() for line in lines)
    return [line for line in stripped if line and not line.startswith(b">")]


def _input_history(document: Document) -> Items:
    """Yield the prompts in the history of the input, each day as one chat.

    It says nothing of sessions.
    """
    chat = LinearChat()
    answers = 0
    with document.open() as stream:
        for entry in input_entries(read_lines(stream)):
            if entry.day != chat.key:
                yield from _finished(chat)
                chat = LinearChat(entry.day)
            typed = parse_typed(entry.body)
            if is_answer(entry.body):
                answers += 1
            elif typed.reason:
                chat.skipped[typed.reason] += 1
            elif typed.body:
                key = digest(typed.body).hex()
                chat.add(
                    Draft(typed.body, entry.made, key, is_command=typed.is_command)
                )
            yield from chat.take_complete()
    yield from _finished(chat)
    if answers:
        yield Skipped("answer to a question", answers)


def _finished(chat: LinearChat) -> Items:
    if chat.has_prompts or chat.skipped:
        yield from chat.finish()
