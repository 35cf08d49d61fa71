"""Builds records of Claude Code, and reads them with the importer."""

from promptvault.importers.claude_code import source as claude_code
from promptvault.importers.input.candidate import Item
from tests.importers.build import Json, bodies, candidates, of_lines

IMAGE = {"type": "image", "source": {"type": "base64", "data": "iVBORw0KGgo="}}
SESSION = "s1"


def row(uuid: str | None, parent: str | None, **fields: Json) -> dict[str, Json]:
    """Return a record; uuids count the seconds, such as "a3"."""
    second = int(uuid[1:]) if uuid and uuid[1:].isdecimal() else 0
    return {
        "parentUuid": parent,
        "isSidechain": False,
        "sessionId": SESSION,
        "uuid": uuid,
        "timestamp": f"2026-03-01T10:00:{second:02}.000Z",
        **fields,
    }


def said(
    uuid: str | None, parent: str | None, content: Json, **fields: Json
) -> dict[str, Json]:
    message = {"role": "user", "content": content}
    return row(uuid, parent, **{"type": "user", "message": message, **fields})


def answer(uuid: str, parent: str | None, **fields: Json) -> dict[str, Json]:
    content = [{"type": "text", "text": "Hi."}]
    message = {"model": "claude-x", "role": "assistant", "content": content}
    return row(uuid, parent, **{"message": message, "type": "assistant", **fields})


def result(uuid: str, parent: str, **fields: Json) -> dict[str, Json]:
    blocks = [{"tool_use_id": "t", "type": "tool_result", "content": "not typed"}]
    return said(uuid, parent, blocks, **{"toolUseResult": {"uuid": "x"}, **fields})


def queued(uuid: str | None, parent: str | None, prompt: Json) -> dict[str, Json]:
    attachment = {"type": "queued_command", "commandMode": "prompt", "prompt": prompt}
    return row(uuid, parent, type="attachment", attachment=attachment)


def operation(name: str, content: Json = None, **fields: Json) -> dict[str, Json]:
    fields = {"sessionId": SESSION, "timestamp": "2026-03-01T10:00:30Z", **fields}
    return {"type": "queue-operation", "operation": name, "content": content, **fields}


def note(kind: str, **fields: Json) -> dict[str, Json]:
    return {"type": kind, "sessionId": SESSION, **fields}


def read(*rows: Json) -> list[Item]:
    return list(claude_code.read(of_lines(rows)))


def texts(items: list[Item]) -> list[list[str]]:
    return [[draft.body for draft in each.drafts] for each in candidates(items)]


def typed(content: Json, **fields: Json) -> list[str]:
    """Return the prompts in a session of one message."""
    return bodies(read(said("u1", None, content, **fields)))


def text_block(text: str) -> dict[str, Json]:
    return {"type": "text", "text": text}
