"""The files that OpenCode and Kilo stored until February 2026, one for each object.

`session/<project>/<session>.json` is read, and with it the files of its messages and
parts: `message/<session>/<message>.json`, `part/<message>/<part>.json`. In 2025 all
three were below `session`: `session/info/<session>.json`,
`session/part/<session>/<message>/<part>.json`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.database import parse_json
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, sanitized
from promptvault.importers.input.json_stream import JsonObject
from promptvault.importers.opencode.session import (
    Message,
    OpenCodeChat,
    message_of,
    session_of,
)

_LARGEST = 64 << 20
_ENDING = ".json"
_SESSION, _MESSAGE, _PART = "ses_", "msg_", "prt_"
_READ_BEFORE = "read with its session"
_APART = "its messages are in other files; import the folder with all of them"


class _Stored(NamedTuple):
    """One stored object."""

    key: str
    """Name of its file: the id in the file may be an older one."""
    value: JsonObject


def is_stored(document: Document) -> bool:
    """Return True for a session, a message or a part in a file of its own."""
    values = document.sample
    return len(values) == 1 and (_is_session(values[0]) or _is_below(values[0]))


def read_stored(document: Document) -> Items:
    """Yield the session in *document*; nothing for a message or a part, which is read
    with its session."""
    value = document.sample[0] if document.sample else {}
    if not document.path:
        yield from _of_archive(document, value)
    elif _is_session(value):
        yield from _Reader(document.path, document.name).session(value)
    elif not _sessions(document.path):
        yield Failure(document.name, "its session is missing; import its folder too")
    elif "parts" in value:
        yield Skipped(_READ_BEFORE)


def _of_archive(document: Document, value: JsonObject) -> Items:
    if _is_session(value) or len(document.siblings) <= 1:
        yield Failure(document.name, _APART)


def _is_session(value: JsonObject) -> bool:
    return (
        _has_id(value, "id", _SESSION)
        and isinstance(value.get("time"), dict)
        and ("title" in value or "directory" in value)
        and "messages" not in value
    )


def _is_below(value: JsonObject) -> bool:
    """Return True for a message or a part."""
    about = as_object(value.get("metadata"))
    if _has_id(value, "id", _MESSAGE):
        is_named = _has_id(value, "sessionID", _SESSION)
        return "role" in value and (is_named or _has_id(about, "sessionID", _SESSION))
    return _has_id(value, "id", _PART) and _has_id(value, "messageID", _MESSAGE)


def _has_id(value: JsonObject, name: str, prefix: str) -> bool:
    return (as_text(value.get(name)) or "").startswith(prefix)


def _sessions(path: Path) -> bool:
    """Return True if there are sessions next to the messages or parts at *path*."""
    return any((folder / "session").is_dir() for folder in path.parents[:4])


class _Reader:
    """The files of one session."""

    def __init__(self, path: Path, name: str) -> None:
        self._key = path.stem
        self._name = name
        self._roots = (path.parents[1], path.parents[2])
        self._failures: list[Failure] = []

    def session(self, info: JsonObject) -> Items:
        """Yield the prompts of the session, and what could not be read."""
        chat = OpenCodeChat(session_of(sanitized(self._key), info))
        messages = [each for root in self._roots for each in self._messages(root)]
        for stored in sorted(messages, key=_age):
            yield from chat.add(self._message(stored))
        yield from chat.finish()
        yield from self._failures

    def _messages(self, root: Path) -> Iterator[_Stored]:
        return self._objects(root, "message", self._key)

    def _message(self, stored: _Stored) -> Message:
        info = {**stored.value, "id": stored.key}
        if isinstance(info.get("parts"), list):  # until June 2025
            return message_of(info, info["parts"])
        parts = [
            (part.key, part.value)
            for folder in ((stored.key,), (self._key, stored.key))
            for root in self._roots
            if info.get("role") == "user"
            for part in self._objects(root, "part", *folder)
        ]
        return Message(stored.key, info, parts)

    def _objects(self, root: Path, *folders: str) -> Iterator[_Stored]:
        """Yield the objects in a folder below *root*, by name; no link is followed."""
        folder = root
        try:
            for name in folders:
                folder = folder / name
                if folder.is_symlink():
                    return
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._note(folders[-1], error.strerror or str(error))
            return
        for entry in found:
            if entry.name.endswith(_ENDING) and entry.is_file(follow_symlinks=False):
                yield from self._object(entry)

    def _object(self, entry: "os.DirEntry[str]") -> Iterator[_Stored]:
        try:
            with open(entry.path, "rb") as stream:
                value = parse_json(stream.read(_LARGEST))
        except OSError as error:
            self._note(entry.name, error.strerror or str(error))
        except ValueError as error:
            self._note(entry.name, str(error))
        else:
            yield _Stored(sanitized(entry.name.removesuffix(_ENDING)), as_object(value))

    def _note(self, what: str, reason: str) -> None:
        self._failures.append(
            Failure(sanitized(f"{self._name}, {what}"), reason.lower())
        )


def _age(stored: _Stored) -> tuple[float, str]:
    """Return what messages are sorted by: their times, then their ids."""
    older = as_object(as_object(stored.value.get("metadata")).get("time"))
    time = as_object(stored.value.get("time")).get("created") or older.get("created")
    is_number = isinstance(time, int | float) and not isinstance(time, bool)
    return (
        float(time) if is_number and isinstance(time, int | float) else 0.0
    ), stored.key
