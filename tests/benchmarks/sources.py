"""Large files of other sources than ChatGPT, in their usual form."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from tests.benchmarks.data import Writer

_DAY = "2026-05-01T10"


def write_claude_code(folder: Path, sessions: int = 100, records: int = 600) -> None:
    """Write a Claude Code projects folder: 1 KB a record, a prompt every 20 records."""
    writer = Writer()
    for session in range(sessions):
        project = folder / f"-home-me-project{session % 10}"
        project.mkdir(parents=True, exist_ok=True)
        name = _uuid(session, 0)
        with (project / f"{name}.jsonl").open("w") as file:
            for record in range(records):
                row = _claude_code_row(writer, name, session, record)
                file.write(json.dumps(row, separators=(",", ":")) + "\n")


def _claude_code_row(
    writer: Writer, session_id: str, session: int, record: int
) -> dict[str, Any]:
    place = record % 20
    common = {
        "parentUuid": _uuid(session, record) if record else None,
        "isSidechain": False,
        "userType": "external",
        "cwd": f"/home/me/project{session % 10}",
        "sessionId": session_id,
        "version": "2.1.120",
        "gitBranch": "main",
        "uuid": _uuid(session, record + 1),
        "timestamp": f"{_DAY}:{record // 60:02}:{record % 60:02}.{session:03}Z",
    }
    if place == 0:
        prompt = {"role": "user", "content": writer.prose(60)}
        return {**common, "type": "user", "message": prompt, "promptId": session_id}
    if place % 3 == 1:
        call = {"type": "tool_use", "id": f"toolu_{record}", "name": "Read"}
        blocks = [{"type": "text", "text": writer.prose(60)}, {**call, "input": {}}]
        message = {"role": "assistant", "model": "claude-opus-4-6", "content": blocks}
        return {**common, "type": "assistant", "message": message}
    if place % 3 == 2:
        result = writer.words(70)
        block = {"type": "tool_result", "tool_use_id": f"toolu_{record}"}
        message = {"role": "user", "content": [{**block, "content": result}]}
        return {
            **common,
            "type": "user",
            "message": message,
            "toolUseResult": {"stdout": result, "stderr": "", "interrupted": False},
        }
    data = {"type": "bash_progress", "output": writer.words(90)}
    return {**common, "type": "progress", "data": data, "toolUseID": f"toolu_{record}"}


def write_codex(folder: Path, sessions: int = 200, turns: int = 30) -> None:
    """Write a Codex sessions folder: about 1 MB a session, 18 records a prompt."""
    writer = Writer()
    for session in range(sessions):
        day = folder / "2026" / "05" / f"{session % 28 + 1:02}"
        day.mkdir(parents=True, exist_ok=True)
        name = _uuid(session, 0)
        with (day / f"rollout-2026-05-01T10-00-00-{name}.jsonl").open("w") as file:
            meta = {"id": name, "cwd": "/home/me/project", "source": "cli"}
            payloads = [("session_meta", meta)]
            for turn in range(turns):
                payloads += _codex_turn(writer, _uuid(session, turn + 1))
            for number, (kind, payload) in enumerate(payloads):
                time = f"{_DAY}:{number // 60:02}:{number % 60:02}.{session:03}Z"
                row = {"timestamp": time, "type": kind, "payload": payload}
                file.write(json.dumps(row, separators=(",", ":")) + "\n")


def _codex_turn(writer: Writer, turn: str) -> Iterator[tuple[str, dict[str, Any]]]:
    prompt = writer.prose(60)
    yield "event_msg", {"type": "task_started", "turn_id": turn}
    yield "turn_context", {"turn_id": turn, "cwd": "/home/me", "model": "gpt-5.6"}
    yield "response_item", _codex_message("user", "input_text", prompt)
    yield "event_msg", {"type": "user_message", "message": prompt, "images": []}
    for step in range(4):
        sealed = writer.words(250).replace(" ", "")
        yield "response_item", {"type": "reasoning", "encrypted_content": sealed}
        call = {"call_id": f"call_{turn}_{step}"}
        words = json.dumps({"command": ["bash", "-lc", writer.words(20)]})
        yield "response_item", {"type": "function_call", "arguments": words, **call}
        output = json.dumps({"output": writer.prose(600), "metadata": {"exit_code": 0}})
        result = {"type": "function_call_output", "output": output, **call}
        yield "response_item", result
        counts = dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), 7)
        yield "event_msg", {"type": "token_count", "info": {"last": counts}}
    answer = writer.prose(100)
    yield "response_item", _codex_message("assistant", "output_text", answer)
    yield "event_msg", {"type": "agent_message", "message": answer}


def _codex_message(role: str, kind: str, text: str) -> dict[str, Any]:
    content = [{"type": kind, "text": text}]
    return {"type": "message", "role": role, "content": content}


def write_claude(path: Path, conversations: int) -> None:
    """Write a Claude.ai `conversations.json`; about 60 KB for 20 messages each."""
    writer = Writer()
    _write_list(path, (_claude_chat(writer, index) for index in range(conversations)))


def write_deepseek(path: Path, conversations: int) -> None:
    """Write a DeepSeek `conversations.json`; about 60 KB for 20 messages each."""
    writer = Writer()
    _write_list(path, (_deepseek_chat(writer, index) for index in range(conversations)))


def _write_list(path: Path, values: Iterable[dict[str, Any]]) -> None:
    with path.open("w") as file:
        for index, value in enumerate(values):
            file.write(", " if index else "[")
            file.write(json.dumps(value))
        file.write("]")


def _deepseek_chat(writer: Writer, index: int) -> dict[str, Any]:
    root = {"id": "root", "parent": None, "children": ["1"], "message": None}
    mapping: dict[str, Any] = {"root": root}
    for turn in range(1, 21):
        said = [{"type": "REQUEST", "content": writer.prose(40)}]
        if turn % 2 == 0:
            thought = {"type": "THINK", "content": writer.prose(400)}
            said = [thought, {"type": "RESPONSE", "content": writer.prose(400)}]
        mapping[str(turn)] = {
            "id": str(turn),
            "parent": str(turn - 1) if turn > 1 else "root",
            "children": [str(turn + 1)] if turn < 20 else [],
            "message": {
                "files": [],
                "model": "deepseek-chat",
                "inserted_at": f"{_DAY}:{turn:02}:00.{index % 1000:06}+08:00",
                "fragments": said,
            },
        }
    return {
        "id": _uuid(index, 0),
        "title": writer.words(4),
        "inserted_at": f"{_DAY}:00:00.000000+08:00",
        "mapping": mapping,
    }


def _claude_chat(writer: Writer, index: int) -> dict[str, Any]:
    messages = []
    for turn in range(20):
        human = turn % 2 == 0
        said = writer.prose(40 if human else 300)
        made = f"{_DAY}:{turn:02}:00.{index % 1000:06}Z"
        block: dict[str, Any] = {"type": "text", "text": said, "citations": []}
        times = {"start_timestamp": made, "stop_timestamp": made}
        message = {
            "uuid": _uuid(index, turn + 1),
            "text": said,
            "content": [{**times, **block}],
            "sender": "human" if human else "assistant",
            "created_at": made,
            "updated_at": made,
            "attachments": [],
            "files": [],
            "parent_message_uuid": _uuid(index, turn) if turn else _uuid(0, 0),
        }
        messages.append(message)
    return {
        "uuid": _uuid(index, 999),
        "name": writer.words(4),
        "summary": "",
        "created_at": f"{_DAY}:00:00.000000Z",
        "updated_at": f"{_DAY}:20:00.000000Z",
        "account": {"uuid": _uuid(7, 7)},
        "chat_messages": messages,
    }


def write_takeout(path: Path, rows: int) -> None:
    """Write a Takeout `MyActivity.html`, all on one line; about 10 KB a row."""
    writer = Writer()
    with path.open("w") as file:
        file.write("<html><head><title>My Activity History</title></head><body>")
        file.write('<div class="mdl-grid">')
        for index in range(rows):
            file.write(_takeout_cell(writer, index))
        file.write("</div></body></html>")


def _takeout_cell(writer: Writer, index: int) -> str:
    prompt = f"{escape(writer.words(30))}<br>{escape(writer.words(10))}"
    answer = "".join(f"<p>{writer.words(60)}</p>" for _ in range(20))
    hour, minute = divmod(index % 720, 60)
    date = f"May {index // 720 % 28 + 1}, 2026, {hour or 12}:{minute:02}:07\u202fPM UTC"
    body = "content-cell mdl-cell mdl-cell--6-col mdl-typography--body-1"
    caption = "content-cell mdl-cell mdl-cell--12-col mdl-typography--caption"
    return (
        '<div class="outer-cell mdl-cell mdl-cell--12-col mdl-shadow--2dp">'
        '<div class="mdl-grid"><div class="header-cell mdl-cell mdl-cell--12-col">'
        '<p class="mdl-typography--title">Gemini Apps<br></p></div>'
        f'<div class="{body}">Prompted&nbsp;{prompt}<br>{date}<br>{answer}</div>'
        f'<div class="{body} mdl-typography--text-right"></div>'
        f'<div class="{caption}"><b>Products:</b><br>&emsp;Gemini Apps<br></div>'
        "</div></div>"
    )


def write_copilot_chat(folder: Path, sessions: int = 40, requests: int = 50) -> None:
    """Write VS Code's chat sessions of 10 MB, every other one as a log of changes."""
    writer = Writer()
    chats = folder / "workspaceStorage" / "0123456789abcdef" / "chatSessions"
    chats.mkdir(parents=True)
    for session in range(sessions):
        name = _uuid(session, 0)
        head = {"version": 3, "responderUsername": "GitHub Copilot", "sessionId": name}
        made = [_copilot_request(writer, session, each) for each in range(requests)]
        if session % 2:
            whole: dict[str, Any] = {"kind": 0, "v": {**head, "requests": []}}
            lines = [whole, *(_copilot_change(each) for each in made)]
            text = "".join(f"{json.dumps(line)}\n" for line in lines)
            (chats / f"{name}.jsonl").write_text(text)
        else:
            text = json.dumps({**head, "requests": made}, indent=2)
            (chats / f"{name}.json").write_text(text)


def _copilot_change(request: dict[str, Any]) -> dict[str, Any]:
    return {"kind": 2, "k": ["requests"], "v": [request]}


def _copilot_request(writer: Writer, session: int, number: int) -> dict[str, Any]:
    said = writer.prose(40)
    # The same text in every part, as to make up 400 MB of words takes long.
    code = f'```python\nprint("{writer.words(30)}")\n```\n{writer.prose(100)}'
    lines = [{"line": line, "uri": {"path": writer.words(3)}} for line in range(20)]
    read = {"kind": "toolInvocationSerialized", "resultDetails": lines}
    call = {"response": writer.prose(200), "toolCalls": []}
    return {
        "requestId": f"request_{_uuid(session, number + 1)}",
        "message": {"text": said, "parts": [{"kind": "text", "text": said}]},
        "variableData": {"variables": []},
        "response": [{"value": code}, read] * 40,
        "result": {"metadata": {"toolCallRounds": [call] * 40}},
        "timestamp": 1_780_000_000_000 + 1_000 * number,
        "modelId": "copilot/claude-sonnet-5",
    }


def write_cursor(path: Path, bubbles: int, size: int = 3_000) -> None:
    """Write a Cursor `state.vscdb`, 100 bubbles a chat, of *size* bytes each."""
    writer = Writer()
    filler = writer.words(size // 7)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    for table in ("ItemTable", "cursorDiskKV"):
        columns = "key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB"
        connection.execute(f"CREATE TABLE {table} ({columns})")
    connection.executemany(
        "INSERT INTO cursorDiskKV VALUES (?, ?)",
        (row for chat in range(bubbles // 100) for row in _cursor_rows(chat, filler)),
    )
    connection.commit()
    connection.close()


def _cursor_rows(chat: int, filler: str) -> Iterator[tuple[str, str]]:
    composer = _uuid(chat, 0)
    headers = []
    for index in range(100):
        bubble = _uuid(chat, index + 1)
        kind = 1 if index % 5 == 0 else 2
        headers.append({"bubbleId": bubble, "type": kind})
        text = f"Prompt {chat}.{index}: {filler[:300]}" if kind == 1 else filler
        row = {"_v": 3, "type": kind, "bubbleId": bubble, "text": text}
        if kind == 2:
            row |= {"toolFormerData": {"name": "read_file", "result": filler[:500]}}
        yield f"bubbleId:{composer}:{bubble}", json.dumps(row)
    data = {
        "composerId": composer,
        "name": f"Chat {chat}",
        "createdAt": 1_770_000_000_000 + chat * 1000,
        "fullConversationHeadersOnly": headers,
    }
    yield f"composerData:{composer}", json.dumps(data)


_OPENCODE = """CREATE TABLE project (id text PRIMARY KEY, worktree text);
    CREATE TABLE session (id text PRIMARY KEY, project_id text, parent_id text,
        title text, version text, revert text, time_created integer);
    CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer,
        data text);
    CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text,
        time_created integer, data text);
    CREATE INDEX part_message ON part (message_id, id);
    CREATE INDEX message_session ON message (session_id, time_created, id);"""


def write_opencode(path: Path, sessions: int) -> None:
    """Write an `opencode.db`: 200 KB a session, with 2 prompts and 40 answers."""
    filler = Writer().words(500)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(_OPENCODE)
    for session in range(sessions):
        key = f"ses_{session:08x}"
        row = (key, "p", None, f"Session {session}", "1.18.3", None, session)
        connection.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for index in range(42):
            _opencode_message(connection, key, session * 42 + index, filler)
    connection.commit()
    connection.close()


def _opencode_message(
    connection: sqlite3.Connection, session: str, number: int, filler: str
) -> None:
    key, made = f"msg_{number:08x}", 1_770_000_000_000 + number * 1000
    is_user = number % 21 == 0
    info: dict[str, Any] = {
        "role": "user" if is_user else "assistant",
        "agent": "build",
    }
    info |= {"modelID": "m", "time": {"created": made}}
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": f"Prompt {number}: {filler[:300]}"}
    ]
    if not is_user:
        output = {"status": "completed", "input": {"command": "ls"}, "output": filler}
        parts += [{"type": "tool", "tool": "bash", "state": output}]
        parts += [{"type": "step-finish", "cost": 0}]
    row = (key, session, made, json.dumps(info))
    connection.execute("INSERT INTO message VALUES (?, ?, ?, ?)", row)
    connection.executemany(
        "INSERT INTO part VALUES (?, ?, ?, ?, ?)",
        (
            (f"prt_{number:08x}{place}", key, session, made, json.dumps(part))
            for place, part in enumerate(parts)
        ),
    )


def write_opencode_files(folder: Path, sessions: int) -> None:
    """Write the `storage` folder of 2025: 10 messages a session, 2 parts each."""
    filler = Writer().words(100)
    for session in range(sessions):
        key = f"ses_{session:08x}"
        info = {"id": key, "title": f"Session {session}", "time": {"created": session}}
        _write_json(folder / "session" / "global" / f"{key}.json", info)
        for index in range(10):
            number = session * 10 + index
            message = f"msg_{number:08x}"
            row = {"id": message, "sessionID": key, "time": {"created": number}}
            role = "user" if index % 5 == 0 else "assistant"
            path = folder / "message" / key / f"{message}.json"
            _write_json(path, {**row, "role": role})
            for place in range(2):
                part = f"prt_{number:08x}{place}"
                text = {"type": "text", "text": f"Text {number}.{place}: {filler}"}
                row = {"id": part, "messageID": message, "sessionID": key}
                _write_json(folder / "part" / message / f"{part}.json", {**row, **text})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _uuid(first: int, second: int) -> str:
    return f"{first:08x}-0000-4000-8000-{second:012x}"
