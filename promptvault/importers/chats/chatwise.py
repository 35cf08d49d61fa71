"""ChatWise: the files of its export, and the database of the app.

The zip holds `chat-<id>.json` for each chat, `assistants.json`, `prompts.json`, and
settings with keys, which are never read. The database `app.db` has the tables `chat`
and `message`. Both are observed in public converters and readers; neither is
documented, and the fields of `assistants.json` and `prompts.json` are not confirmed.
"""

import posixpath
import re
from itertools import groupby

from promptvault.importers.conversation import turn_list
from promptvault.importers.conversation.message_list import (
    SystemPrompts,
    is_human,
    join_parts,
)
from promptvault.importers.conversation.turn_list import Turn
from promptvault.importers.input import database
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    first_text,
)
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values

SOURCE = "chatwise"

_MARKS = ("chatwise-export-verison.txt", "chatwise-export-version.txt")
_PART = re.compile(r"^@message_part::\S+[ \t]*\n?", re.MULTILINE)
_SYSTEM = ("systemInstruction", "systemPrompt", "instructions", "instruction", "prompt")
_BODIES = ("content", "prompt", "text", "body", "template")
_CHAT = frozenset({"id", "title", "lastReplyAt"})
_MESSAGE = frozenset({"id", "chatId", "role", "content", "createdAt", "model"})
_TYPED = """SELECT m.chatId, c.title, m.id, m.content, m.createdAt, m.model
    FROM message m LEFT JOIN chat c ON c.id = m.chatId WHERE lower(m.role) = 'user'
    ORDER BY m.chatId, m.createdAt, m.rowid"""
_INSTRUCTIONS = "SELECT DISTINCT systemInstruction FROM chat"


def probe(document: Document) -> bool:
    """Return True for every JSON file of the export, and for the database."""
    if document.is_database:
        return _is_database(document)
    is_part = _is_marked(document) and bool(document.sample)
    return is_part or any(map(_is_chat, document.sample))


def read(document: Document) -> Items:
    """Yield the chats, prompts or assistants in *document*.

    Raises ImportSourceError if the file cannot be read further.
    """
    if document.is_database:
        yield from _database(document)
        return
    if _is_marked(document) and not _part(document):
        yield Skipped("settings of the app")
        return
    system_prompts = SystemPrompts()
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, ())):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(as_object(value).get("messages"), list):
                yield _chat(as_object(value), system_prompts)
            elif isinstance(value, dict) and _part(document) == "assistants":
                body = first_text(value, _SYSTEM)
                title = first_text(value, ("name", "title"))
                yield Conversation(tuple(system_prompts.candidates([body], title)))
            elif isinstance(value, dict) and _part(document) == "prompts":
                yield _prompt(value)
            else:
                yield Failure(where, "it is not a conversation")


def _is_chat(value: JsonObject) -> bool:
    messages = [as_object(each) for each in as_list(value.get("messages"))[:5]]
    return any("role" in message for message in messages) and (
        "systemInstruction" in value
        or any("reasoningContent" in message for message in messages)
    )


def _is_marked(document: Document) -> bool:
    """Return True if the file that marks an export is next to *document*."""
    folder = posixpath.dirname(document.name)
    return any(posixpath.join(folder, mark) in document.siblings for mark in _MARKS)


def _part(document: Document) -> str | None:
    """Return what a file of the export holds by its name; None for settings."""
    name = posixpath.basename(document.name).removesuffix(".json")
    if name in ("assistants", "prompts"):
        return name
    return "chat" if name.startswith("chat-") else None


def _chat(chat: JsonObject, system_prompts: SystemPrompts) -> Item:
    if turn_list.is_deleted(chat):
        return Skipped("deleted")
    messages = map(as_object, as_list(chat.get("messages")))
    return turn_list.build_conversation(
        (_turn(message, chat) for message in messages if is_human(message)),
        system_prompts.candidates([as_text(chat.get("systemInstruction"))]),
        key=as_text(chat.get("id")),
        title=as_text(chat.get("title")),
    )


def _turn(message: JsonObject, chat: JsonObject) -> Turn:
    if turn_list.is_deleted(message):
        return None
    model = as_text(message.get("model")) or as_text(chat.get("model"))
    body = _typed(join_parts(message.get("content")))
    made = as_time(message.get("createdAt"))
    return [Draft(body, made, as_text(message.get("id")), model)] if body else []


def _typed(content: str | None) -> str | None:
    """Return *content* without the lines that only mark a part of a message."""
    return as_text(_PART.sub("", content or ""))


def _prompt(prompt: JsonObject) -> Item:
    if not (body := first_text(prompt, _BODIES)):
        return Skipped(NO_TEXT)
    draft = Draft(body, as_time(prompt.get("createdAt")), as_text(prompt.get("id")))
    return Candidate((draft,), title=first_text(prompt, ("title", "name")))


def _is_database(document: Document) -> bool:
    tables = database.tables_in(document)
    chat, message = (tables.get(name, frozenset()) for name in ("chat", "message"))
    return chat >= _CHAT and message >= _MESSAGE


def _database(document: Document) -> Items:
    """Yield the chats of the app; each system prompt only once."""
    columns = database.tables_in(document).get("chat", frozenset())
    with database.open_database(document) as connection:
        if "systemInstruction" in columns:
            bodies = (as_text(row[0]) for row in connection.execute(_INSTRUCTIONS))
            yield Conversation(tuple(SystemPrompts().candidates(bodies)))
        rows = connection.execute(_TYPED)
        for key, group in groupby(rows, key=lambda row: row[0]):
            yield _stored_chat(as_text(key), list(group))


def _stored_chat(key: str | None, rows: list[tuple[object, ...]]) -> Conversation:
    turns = []
    for _, _, message, content, made, model in rows:
        body = _typed(as_text(content))
        draft = Draft(body or "", as_time(made), as_text(message), as_text(model))
        turns.append([draft] if body else [])
    return turn_list.build_conversation(turns, key=key, title=as_text(rows[0][1]))
