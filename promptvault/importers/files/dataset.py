"""Reads data sets of prompts and chats as JSON or JSON lines, row by row by its shape.

ShareGPT, OpenAI messages (fine-tuning, batches, stored requests), prompts with their
completions, Alpaca, lists of turns, prompt templates, and the exports of chat apps.
"""

import io
import re
from collections.abc import Iterator

from promptvault.importers.chats import chat_app
from promptvault.importers.conversation import long_chat, message_list
from promptvault.importers.conversation.long_chat import LongChat
from promptvault.importers.conversation.message_list import Standing, is_message
from promptvault.importers.files import context
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import (
    WRAPPERS,
    Damaged,
    JsonObject,
    JsonValue,
    values,
)
from promptvault.importers.tools.template import mustache, translated

SOURCE = "dataset"

_WRAPPERS = (*WRAPPERS, "history", "chats", "rows", "prompts")
_MESSAGES = (
    "messages",
    "conversations",
    "items",
    "conversation",
    "conversation_a",
    "turns",
    "input",
    "prompt",
    "contents",
    "chosen",
)
_KEYS = ("id", "conversation_id", "conversation_hash", "custom_id", "question_id")
_TITLES = ("title", "chatTitle", "name")
_ANSWERS = frozenset(
    "completion completions response responses chosen rejected output answer".split()
)
_NAMES = ("act", "title", "name", "command")
_ROW_KEYS = ("row", "body", "params", "request", "session")
_SYSTEM = ("system", "instructions", "system_prompt", "systemInstruction")


def probe(document: Document) -> bool:
    """Whether one of the first rows has a shape that is known."""
    if long_chat.about(document) is not None:
        return True
    return any(map(_is_known, document.sample))


def doubt(document: Document) -> str | None:
    """Say why *document* may be none of a person's: programs and tests have data."""
    if context.is_alone(document):
        return None
    if context.is_beside_export(document):
        return "a loose file beside a chat export"
    is_kept = context.is_place_of_prompts(document) or not context.is_beside_code(
        document
    )
    return None if is_kept else "data among source code"


def read(document: Document) -> Items:
    """Yield the chats and prompts in *document*; system messages only once each."""
    if (about := long_chat.about(document)) is not None:
        yield from _long(document, about)
        return
    standing = Standing()
    loose = LongChat(standing)
    with document.open() as stream:
        for index, value in enumerate(values(stream, _unwrap(document))):
            if is_message(value):
                yield from loose.add(value)
                continue
            yield from loose.end()
            where = f"{document.name}, row {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            else:
                yield from _items(value, where, standing)
    yield from loose.end()


def _long(document: Document, about: JsonObject) -> Items:
    """Yield the one chat that *document* is, without holding it in memory."""
    standing = Standing()
    if first := tuple(standing.candidates(_system(about))):
        yield Conversation(first)
    chat = LongChat(standing, *_about(about))
    with document.open() as stream:
        for index, value in enumerate(values(stream, long_chat.KEYS)):
            if is_message(value):
                yield from chat.add(value)
            elif isinstance(value, Damaged):
                where = f"{document.name}, message {index + 1}"
                yield Failure(where, value.reason)
    yield from chat.end()


def _unwrap(document: Document) -> tuple[str, ...]:
    """Return the keys under which the rows lie, none where they lie open.

    A row may itself hold a list under such a key: it is a wrapper only where it does
    not end within the first 64 KiB, and its list is not one of messages.
    """
    first = next(values(io.BytesIO(document.head), ()), None)
    is_whole = not isinstance(first, Damaged)
    return () if is_whole or any(map(is_message, document.sample)) else _WRAPPERS


def _about(row: JsonObject) -> tuple[str | None, str | None, str | None]:
    """Return the id, the title and the model of a chat."""
    model = text(row.get("model")) or text(members(row.get("model")).get("id"))
    return _text_of(row, _KEYS), _text_of(row, _TITLES), model


def _system(row: JsonObject) -> Iterator[str | None]:
    """Yield the system prompts that stand beside the messages of a chat."""
    yield from (message_list.joined(row.get(key)) for key in _SYSTEM)
    if "folderId" in row and "messages" in row:  # Chatbot UI
        yield text(row.get("prompt"))


def _is_known(row: JsonObject) -> bool:
    rows = [row, *map(members, _wrapped(row)[:5])]
    return any(_is_row(each) or _inner(each) is not None for each in rows)


def _is_row(row: JsonObject) -> bool:
    """Whether *row* is a chat or a prompt by itself."""
    return (
        chat_app.is_chat(row)
        or is_message(row)
        or _messages(row) is not None
        or _is_template(row)
        or _is_prompt(row)
    )


def _wrapped(row: JsonObject) -> list[JsonValue]:
    """Return the rows that *row* wraps together with other things."""
    return [each for key in _WRAPPERS for each in items(row.get(key))]


def _items(value: JsonValue, where: str, standing: Standing) -> Iterator[Item]:
    """Yield what one row holds."""
    row = members(value)
    if chat_app.is_chat(row):
        yield chat_app.read(row, standing)
    elif (messages := _messages(row)) is not None:
        yield _chat(row, messages, standing)
    elif _is_template(row):
        yield from _templates(row, standing)
    elif _is_prompt(row):
        yield from _prompt(row, standing)
    elif inner := _inner(row):
        yield from _items(inner, where, standing)
    elif wrapped := _wrapped(row):
        for number, each in enumerate(wrapped, 1):
            yield from _items(each, f"{where}.{number}", standing)
    else:
        yield Failure(where, "it is no prompt and no chat")


def _inner(row: JsonObject) -> JsonObject | None:
    """Return the request in a line of a batch, with the id of the line."""
    if re.search("embeddings|moderations", str(row.get("url"))):
        return None
    key = _text_of(row, _KEYS)
    found = (members(row.get(name)) for name in _ROW_KEYS)
    inner = next(filter(_is_row, found), None)
    return {"id": key, **inner} if inner and key else inner


def _messages(row: JsonObject) -> list[JsonValue] | None:
    """Return the messages of a chat, None where *row* is none."""
    for key in _MESSAGES:
        found = row.get(key)
        if key == "input" and isinstance(found, dict):
            found = found.get("messages")
        if message_list.are_messages(found):
            return items(found)
    turns = items(row.get("turns"))
    if turns and all(isinstance(turn, str) for turn in turns):
        return [{"role": "user", "content": turn} for turn in turns]
    asked = text(row.get("input"))
    if asked and "instruction" not in row and {"model", "instructions"} & row.keys():
        return [{"role": "user", "content": asked}]
    return None


def _chat(
    row: JsonObject, messages: list[JsonValue], standing: Standing
) -> Conversation:
    bodies = [*_system(row), *message_list.standing_bodies(messages)]
    key, title, model = _about(row)
    return message_list.conversation(
        message_list.drafts(messages, model),
        standing.candidates(bodies),
        key=key,
        title=title,
    )


def _text_of(row: JsonObject, keys: tuple[str, ...]) -> str | None:
    found = (row.get(key) for key in keys)
    return next(
        (text(str(each)) for each in found if each and isinstance(each, str | int)),
        None,
    )


def _is_template(row: JsonObject) -> bool:
    has_text = isinstance(row.get("system_prompt"), str) or isinstance(
        row.get("prompt_template"), str
    )
    return has_text and isinstance(row.get("name"), str)


def _templates(row: JsonObject, standing: Standing) -> Iterator[Item]:
    """Yield the template under its name, and the system prompt that goes with it."""
    title = text(row.get("name"))
    body = text(row.get("prompt_template"))
    system = text(row.get("system_prompt"))
    if body:
        wording = translated(mustache(body))
        made = _text_of(row, ("updated_at", "created_at"))
        yield _candidate(wording.draft(moment(made)), row)
    if system:
        yield Conversation(tuple(standing.candidates([system], title)))
    if not body and not system:
        yield Skipped("no text")


def _is_prompt(row: JsonObject) -> bool:
    if isinstance(row.get("instruction"), str):
        return bool({"output", "input"} & row.keys())
    if isinstance(row.get("prompt"), str):
        return len(row) == 1 or bool(row.keys() & {*_ANSWERS, *_NAMES, "model"})
    # Lists of saved prompts, as Open WebUI and Chatbot UI write them.
    is_named = "command" in row or {"name", "folderId"} <= row.keys()
    return is_named and isinstance(row.get("content"), str)


def _prompt(row: JsonObject, standing: Standing) -> Iterator[Item]:
    parts = [text(row.get("instruction")), text(row.get("input"))]
    if not isinstance(row.get("instruction"), str):
        parts = [text(row.get("prompt")) or text(row.get("content"))]
    body = "\n\n".join(filter(None, parts))
    yield _candidate(Draft(body), row) if body else Skipped("no text")
    system = standing.candidates(text(row.get(key)) for key in _SYSTEM)
    if first := tuple(system):
        yield Conversation(first)


def _candidate(draft: Draft, row: JsonObject) -> Candidate:
    tags = [text(tag) for tag in items(row.get("tags"))]
    return Candidate(
        (draft,),
        title=_text_of(row, _NAMES),
        description=text(row.get("description")) or "",
        tags=tuple(filter(None, [*tags, text(row.get("category"))])),
    )
