"""The files of a session of Cline's store since version 4.

`<session>.messages.json` has the messages, and the agent that has them: a person talks
to "lead". `<session>.json` next to it describes the session.
`<session>.compaction.json` has a shorter copy of the messages, for the model.
"""

import json

from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text
from promptvault.importers.input.json_stream import JsonObject
from promptvault.importers.input.list_header import find_list_header

_MESSAGES = "messages"
_COMPACTION = {"version", "updated_at", "source_message_count"}
_LEAD = "lead"
_ENDING = ".messages.json"
_LARGEST = 1 << 20


def is_compaction(document: Document) -> bool:
    """Return True for the shorter copy."""
    header = find_list_header(document, _MESSAGES)
    return header is not None and header.fields.keys() >= _COMPACTION


def skip_reason(document: Document) -> str | None:
    """Return why no person typed the messages in *document*; None if one did."""
    header = find_list_header(document, _MESSAGES)
    if not header:
        return None
    fields = header.fields
    if fields.keys() >= _COMPACTION:
        return "copy for the model"
    origin = as_object(fields.get("origin"))
    agent = as_text(fields.get("agent")) or _LEAD
    is_child = agent != _LEAD or bool(as_text(origin.get("parentThreadId")))
    return "subagent" if is_child else None


def title(document: Document) -> str:
    """Return the title of the session in *document*, '' if it has none."""
    if not document.path or not document.path.name.endswith(_ENDING):
        return ""
    name = document.path.name.removesuffix(_ENDING) + ".json"
    about = as_object(_object(document, name).get("metadata"))
    return as_text(about.get("title")) or ""


def _object(document: Document, name: str) -> JsonObject:
    path = document.path and document.path.with_name(name)
    if not path or path.is_symlink() or not path.is_file():
        return {}
    try:
        with path.open("rb") as stream:
            return as_object(json.loads(stream.read(_LARGEST)))
    except (OSError, ValueError, RecursionError):
        return {}
