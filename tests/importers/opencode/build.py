"""Small databases and files of OpenCode, built in code."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from tests.importers.build import Json

SCHEMA = """CREATE TABLE project (id text PRIMARY KEY, worktree text);
    CREATE TABLE session (id text PRIMARY KEY, project_id text, parent_id text,
        title text, version text, time_created integer, time_updated integer);
    CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer,
        time_updated integer, data text);
    CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text,
        time_created integer, time_updated integer, data text);"""
START = 1787000000000


def text(said: str, **fields: Json) -> Json:
    """Return a part with text."""
    return {"type": "text", "text": said, **fields}


def user(*parts: Json, **fields: Json) -> tuple[Json, list[Json]]:
    """Return a message of a person, and its parts; a string is a text."""
    found = [text(part) if isinstance(part, str) else part for part in parts]
    return {"role": "user", "agent": "build", **fields}, found


def answer(said: str = "Hm.", **fields: Json) -> tuple[Json, list[Json]]:
    """Return a message of the model."""
    info = {"role": "assistant", "modelID": "m", **fields}
    return info, [{"snapshot": "a", "type": "step-start"}, text(said)]


class Database:
    """A database of sessions, numbered in the order in which they are added."""

    def __init__(self, schema: str = SCHEMA) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("PRAGMA page_size = 1024")
        self.connection.executescript(schema)
        self._messages = 0

    def add(self, key: str, *messages: tuple[Json, list[Json]], **fields: Json) -> str:
        """Add a session; *fields* are columns. Return the id of its last message."""
        row = {"id": key, "title": "A chat", "time_created": START, **fields}
        self._insert("session", row)
        for info, parts in messages:
            self._add_message(key, info, parts)
        return f"msg_{self._messages}"

    def _add_message(self, session: str, info: Json, parts: Iterable[Json]) -> None:
        self._messages += 1
        made = START + 1000 * self._messages
        key = f"msg_{self._messages}"
        common = {"session_id": session, "time_created": made}
        stored = json.dumps({"time": {"created": made}, **info}, ensure_ascii=False)
        self._insert("message", {"id": key, "data": stored, **common})
        for number, part in enumerate(parts):
            data = json.dumps(part, ensure_ascii=False)
            row = {"id": f"prt_{key}_{number}", "message_id": key, "data": data}
            self._insert("part", {**row, **common})

    def _insert(self, table: str, row: dict[str, Json]) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        self.connection.execute(sql, tuple(row.values()))

    @property
    def data(self) -> bytes:
        """The database as a file."""
        self.connection.commit()
        return self.connection.serialize()


def example_database() -> bytes:
    """Return a database with the three prompts of an example."""
    found = Database()
    found.add("ses_1", user("one é"), answer(), user("two"))
    found.add("ses_2", user("three", text("Called a tool", synthetic=True)))
    return found.data


def example_export(version: str = "1.18.3") -> bytes:
    """Return an exported session with the three prompts of an example."""
    messages = [user("one é"), answer(), user("two"), user("three")]
    info = {"id": "ses_1", "title": "A chat", "version": version, "time": {}}
    rows = [
        {"info": {"id": f"msg_{number}", **about}, "parts": parts}
        for number, (about, parts) in enumerate(messages)
    ]
    exported = {"info": info, "messages": rows, "todos": [{"content": "a"}]}
    return json.dumps(exported, indent=2, ensure_ascii=False).encode()


def write_storage(root: Path, *messages: tuple[Json, list[Json]], **info: Json) -> Path:
    """Write a session as files of their own below *root*; return the session's."""
    session = {"id": "ses_1", "title": "A chat", "time": {"created": START}, **info}
    path = root / "session" / "global" / "ses_1.json"
    _write(path, session)
    for number, (about, parts) in enumerate(messages, 1):
        key = f"msg_{number}"
        time = {"created": START + 1000 * number}
        about = {"id": key, "sessionID": "ses_1", "time": time, **about}
        _write(root / "message" / "ses_1" / f"{key}.json", about)
        for place, part in enumerate(parts):
            row = {"id": f"prt_{place}", "sessionID": "ses_1", "messageID": key, **part}
            _write(root / "part" / key / f"prt_{place}.json", row)
    return path


def _write(path: Path, value: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
