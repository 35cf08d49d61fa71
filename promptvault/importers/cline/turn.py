"""What a person wrote in a user message that Cline or a fork sent to a model."""

import json
import re
from datetime import datetime

from promptvault.domain.digest import digest
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.input.candidate import NO_TEXT, Draft
from promptvault.importers.input.field import as_text, as_time

_HUMAN = re.compile(rb"<(task|feedback|answer|user_message|user_input)(?: [^<>]*)?>")
_MODE_NOTICE = re.compile(r"<mode_notice\b[^<>]*>[^<]*</mode_notice>\n?")
_MACHINE = re.compile(
    rb"<(environment_details|explicit_instructions|hook_context|file_content|"
    rb"final_file_content|files_content|folder_content|url_content|git_commit|"
    rb"workspace_diagnostics|git_working_state|terminal_output|command|user_command|"
    rb"mode_notice)[ >]"
)
_RESULT = re.compile(
    rb"\[(?:([\w-]+)(?: for '|\] Result:)|(Tool|\w+_\w+|mcp-[\w-]+)(?: \(Error\))?\]$)"
)
_NOTICES = (
    *(b"[TASK RESUMPTION]", b"[ERROR]", b"[NOTE]", b"[[NOTE]", b"[The user "),
    *(b"The user denied ", b"You seem to be having trouble", b"The tool execution "),
    *(b"New instructions for task", b"New message to respond", b"(The user did not "),
    *(b"This session is being continued from a previous ", b"# TODO LIST"),
    b"Files attached by the user:",
)
# Tools whose result is the person's answer.
_ASKING = frozenset(
    {
        *(b"ask_followup_question", b"attempt_completion", b"plan_mode_respond"),
        *(b"plan_mode_response", b"act_mode_respond", b"new_task", b"condense"),
        *(b"summarize_task", b"report_bug"),
    }
)
_INTRODUCTIONS = (b"The user ", b"New instructions", b"New message to respond")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+(?:Z|[+-]\d\d:\d\d)")
_AMERICAN = re.compile(
    r"(\d+/\d+/\d{4}, \d+:\d\d:\d\d)\s(AM|PM) \(.*UTC([+-])(\d+)(?::(\d\d))?\)"
)
_MENTION = re.compile(
    r"(?:Command |Git commit )?'([^'\n]+)' \(see below for "
    r"(file|folder|site|command|commit) (?:content|info)\)"
)
_MENTIONS = (
    ("Workspace Problems (see below for diagnostics)", "@problems"),
    ("Working directory changes (see below for details)", "@git-changes"),
    ("Terminal Output (see below for output)", "@terminal"),
)
_COMMAND = re.compile(r"/[\w.-]+")
_COMMANDS = (b"explicit_instructions", b"user_command")
_LONGEST = 8 << 20
_LINE_COST = 32
"""Bytes that a line takes in addition to its text."""
_TOGGLE = "PLAN_MODE_TOGGLE_RESPONSE"


def add_prompt(
    chat: LinearChat, said: str, made: datetime | None, key: str | None
) -> None:
    """Add *said*, a person's message, to *chat*; *key* is the vendor's id."""
    body = as_text(said)
    if not body:
        chat.skipped[NO_TEXT] += 1
    elif _COMMAND.fullmatch(body.strip()):
        chat.skipped["slash command"] += 1
    elif body != _TOGGLE:
        body = body.strip()
        chat.add(Draft(body, made, key or digest(body).hex()))


class TurnParser:
    """Extracts what a person wrote from one user message, line by line.

    Most of such a message is the machine's: tool results, the state of the editor,
    mentioned files. A person's text is in tags of its own.
    """

    def __init__(self) -> None:
        self.made: datetime | None = None
        """Time of the message, if the state of the editor has it."""
        self._texts: list[bytes] = []
        self._bare: list[bytes] = []
        self._closing = b""
        self._kept: list[bytes] | None = None
        self._size = 0
        self._is_too_long = False
        self._tool: bytes | None = None
        self._before = b""
        self._is_noticed = False
        self._has_state = False
        self._has_command = False

    @property
    def is_cut(self) -> bool:
        """True if a person's text has begun but not ended."""
        return self._kept is not None

    def feed(self, line: bytes) -> None:
        """Read the next line, without its end."""
        line = line.removesuffix(b"\r")
        if self._is_too_long:
            return
        if self._kept is not None:
            self._append(line)
        elif self._closing:
            self._skip_line(line)
        else:
            self._read_line(line)
        if line and not line.isspace():
            self._before = line[:200]

    def add_to(
        self,
        chat: LinearChat,
        made: datetime | None,
        *,
        key: str | None = None,
        is_bare: bool = False,
    ) -> None:
        """Add what was found to *chat*.

        *key* is the vendor's id of the message. *is_bare* says that text without tags
        is the person's too, as in the first message.
        """
        made = made or self.made
        if self._is_too_long:
            chat.skipped["too long"] += 1
        if not self._texts and (self._has_state or is_bare):
            self._texts += [b"\n".join(self._bare)] if any(self._bare) else []
        said = [_as_typed(each.decode(errors="replace")) for each in self._texts]
        if self._has_command and not any(map(str.strip, said)):
            chat.skipped["slash command"] += 1
            return
        for body in said:
            add_prompt(chat, body, made, key if len(said) == 1 else None)

    def _append(self, line: bytes) -> None:
        if self._kept is None:
            return
        rest = line.rstrip()
        if rest.endswith(self._closing):
            self._kept.append(rest.removesuffix(self._closing))
            self._texts.append(b"\n".join(self._kept))
            self._kept, self._closing = None, b""
        else:
            self._kept.append(line)
        self._measure(line)

    def _skip_line(self, line: bytes) -> None:
        if self._closing in line:
            self._closing = b""
        elif self._before.startswith(b"# Current Time"):
            self.made = self.made or _time(line)

    def _read_line(self, line: bytes) -> None:
        line = _without_notice(line)
        if machine := _MACHINE.match(line):
            self._enter_machine(machine[1], line)
        elif (human := _HUMAN.match(line)) and self._is_trusted(human[1]):
            self._closing, self._kept = b"</" + human[1] + b">", []
            self._append(line[human.end() :])
        elif result := _RESULT.match(line):
            self._tool = result[1] or result[2]
        elif self._tool and line.startswith(b'{"status":'):
            self._texts += _feedback(line)
        elif not self._tool and not self._is_noticed and line != b"[Image]":
            self._is_noticed = line.startswith(_NOTICES)
            if not self._is_noticed:
                self._bare.append(line)
                self._measure(line)

    def _measure(self, line: bytes) -> None:
        self._size += len(line) + _LINE_COST
        if self._size > _LONGEST:
            self._is_too_long = True
            self._kept, self._bare = None, []

    def _enter_machine(self, tag: bytes, line: bytes) -> None:
        self._has_state |= tag == b"environment_details"
        self._has_command |= tag in _COMMANDS
        closing = b"</" + tag + b">"
        self._closing = b"" if closing in line else closing

    def _is_trusted(self, tag: bytes) -> bool:
        """Return True if a person's tag is genuine, not part of a tool's output."""
        if not self._tool or self._tool in _ASKING:
            return True
        if self._before.startswith((b"[Tool]", b"[Tool (Error)]")):
            return True
        return tag != b"task" and any(each in self._before for each in _INTRODUCTIONS)


def _feedback(line: bytes) -> list[bytes]:
    """Return the comment with which a person approved or denied a tool call."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return []
    said = as_text(value.get("feedback")) if isinstance(value, dict) else None
    return [said.encode()] if said else []


def _without_notice(line: bytes) -> bytes:
    """Remove Cline's notice of a mode change before a person's text."""
    notice, closing, rest = line.partition(b"</mode_notice>")
    return rest if closing and notice.startswith(b"<mode_notice") else line


def _as_typed(body: str) -> str:
    """Restore mentions, which Cline replaced by a reference to text below."""
    if "<mode_notice" in body:
        body = _MODE_NOTICE.sub("", body)
    if "(see below for " not in body:
        return body
    for shown, typed in _MENTIONS:
        body = body.replace(shown, typed)
    return _MENTION.sub(_mention, body)


def _mention(found: re.Match[str]) -> str:
    name, kind = found.groups()
    return {"file": "@/", "folder": "@/", "command": "/"}.get(kind, "@") + name


def _time(line: bytes) -> datetime | None:
    """Return the time in the editor's state.

    Of local formats only the American one is read: in others the order of day and month
    is ambiguous.
    """
    shown = line[:200].decode(errors="replace")
    if found := _ISO.search(shown):
        return as_time(found[0])
    if found := _AMERICAN.search(shown):
        day, half, sign, hours, minutes = found.groups()
        zone = f"{sign}{int(hours):02}{minutes or '00'}"
        try:
            made = datetime.strptime(f"{day} {half} {zone}", "%m/%d/%Y, %I:%M:%S %p %z")
        except ValueError:
            return None
        return as_time(made.isoformat())
    return None
