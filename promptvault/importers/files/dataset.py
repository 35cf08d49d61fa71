"""Data sets of prompts and chats as JSON or JSON Lines, by the structure of each row.

ShareGPT, OpenAI messages (fine-tuning, batches, stored requests), prompts with
completions, Alpaca, lists of turns, prompt templates, and exports of chat apps.
"""

import io
import re
from collections.abc import Iterator

from promptvault.importers.chats import chat_app
from promptvault.importers.conversation import long_chat, message_list
from promptvault.importers.conversation.long_chat import LongChat
from promptvault.importers.conversation.message_list import SystemPrompts, is_message
from promptvault.importers.files import context
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
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    WRAPPERS,
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.tools.template import mustache_pieces, translate

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
# Fields of a program's own records, such as a list of sessions.
_STATE = frozenset(
    """cwd dependencies directory messages_path pid projectHash scripts session_id
    sessionId status workspace workspaceDirectory workspace_root""".split()
)
# Fields of a request for a completion.
_REQUEST = frozenset(
    """best_of context created_at custom_id echo format frequency_penalty id images
    logit_bias logprobs max_tokens model n options presence_penalty prompt seed stop
    stream suffix system temperature template timestamp top_k top_p user""".split()
)
_SYSTEM = ("system", "instructions", "system_prompt", "systemInstruction")


def probe(document: Document) -> bool:
    """Return True if one of the first rows has a known structure."""
    if long_chat.chat_header(document) is not None:
        return True
    return any(map(_is_known, document.sample))


def holds_chats(document: Document) -> bool:
    """Return True if one of the first rows is a chat of an app."""
    rows = [row for first in document.sample for row in (first, *_wrapped(first)[:5])]
    return any(map(chat_app.is_chat, map(as_object, rows)))


def skip_reason(document: Document) -> str | None:
    """Return why *document* is probably not a person's: programs and tests have data
    too."""
    if context.is_alone(document):
        return None
    if context.is_beside_export(document):
        return "a loose file beside a chat export"
    is_kept = context.is_place_of_prompts(document) or not context.is_beside_code(
        document
    )
    return None if is_kept else "data among source code"


def read(document: Document) -> Items:
    """Yield the chats and prompts in *document*; each system message only once.

    Raises ImportSourceError if the file cannot be read further.
    """
    if (about := long_chat.chat_header(document)) is not None:
        yield from _long(document, about)
        return
    system_prompts = SystemPrompts()
    loose = LongChat(system_prompts)
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, _unwrap(document))):
            if is_message(value):
                yield from loose.add(value)
                continue
            yield from loose.end()
            where = f"{document.name}, row {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            else:
                yield from _items(value, where, system_prompts)
    yield from loose.end()


def _long(document: Document, about: JsonObject) -> Items:
    """Yield the one chat in *document*, without holding it in memory."""
    system_prompts = SystemPrompts()
    if first := tuple(system_prompts.candidates(_system(about))):
        yield Conversation(first)
    chat = LongChat(system_prompts, *_about(about))
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, long_chat.MESSAGE_KEYS)):
            if is_message(value):
                yield from chat.add(value)
            elif isinstance(value, Damaged):
                where = f"{document.name}, message {index + 1}"
                yield Failure(where, value.reason)
    yield from chat.end()


def _unwrap(document: Document) -> tuple[str, ...]:
    """Return the keys under which the rows are, () if they are at the top.

    A row may have a list under such a key itself. It is a wrapper only if it does not
    end within the first 64 KiB and its list does not hold messages.
    """
    first = next(json_values(io.BytesIO(document.head), ()), None)
    is_whole = not isinstance(first, Damaged)
    return () if is_whole or any(map(is_message, document.sample)) else _WRAPPERS


def _about(row: JsonObject) -> tuple[str | None, str | None, str | None]:
    """Return the id, the title and the model of a chat."""
    model = as_text(row.get("model")) or as_text(as_object(row.get("model")).get("id"))
    return _text_of(row, _KEYS), _text_of(row, _TITLES), model


def _system(row: JsonObject) -> Iterator[str | None]:
    """Yield the system prompts next to the messages of a chat."""
    yield from (message_list.join_parts(row.get(key)) for key in _SYSTEM)
    if "folderId" in row and "messages" in row:  # Chatbot UI
        yield as_text(row.get("prompt"))


def _is_known(row: JsonObject) -> bool:
    rows = [row, *map(as_object, _wrapped(row)[:5])]
    return any(_is_row(each) or _inner(each) is not None for each in rows)


def _is_row(row: JsonObject) -> bool:
    """Return True if *row* is a chat or a prompt by itself."""
    return (
        chat_app.is_chat(row)
        or is_message(row)
        or _messages(row) is not None
        or _is_template(row)
        or _is_prompt(row)
    )


def _wrapped(row: JsonObject) -> list[JsonValue]:
    """Return the rows that *row* wraps together with other fields."""
    return [each for key in _WRAPPERS for each in as_list(row.get(key))]


def _items(
    value: JsonValue, where: str, system_prompts: SystemPrompts
) -> Iterator[Item]:
    """Yield the contents of one row."""
    row = as_object(value)
    if chat_app.is_chat(row):
        yield chat_app.read_chat(row, system_prompts)
    elif (messages := _messages(row)) is not None:
        yield _chat(row, messages, system_prompts)
    elif _is_template(row):
        yield from _templates(row, system_prompts)
    elif _is_prompt(row):
        yield from _prompt(row, system_prompts)
    elif inner := _inner(row):
        yield from _items(inner, where, system_prompts)
    elif wrapped := _wrapped(row):
        for number, each in enumerate(wrapped, 1):
            yield from _items(each, f"{where}.{number}", system_prompts)
    else:
        yield Failure(where, "it is neither a prompt nor a chat")


def _inner(row: JsonObject) -> JsonObject | None:
    """Return the request in a line of a batch, with the id of the line."""
    if re.search("embeddings|moderations", str(row.get("url"))):
        return None
    key = _text_of(row, _KEYS)
    found = (as_object(row.get(name)) for name in _ROW_KEYS)
    inner = next(filter(_is_row, found), None)
    return {"id": key, **inner} if inner and key else inner


def _messages(row: JsonObject) -> list[JsonValue] | None:
    """Return the messages of a chat, None if *row* is no chat."""
    for key in _MESSAGES:
        found = row.get(key)
        if key == "input" and isinstance(found, dict):
            found = found.get("messages")
        if message_list.are_messages(found):
            return as_list(found)
    turns = as_list(row.get("turns"))
    if turns and all(isinstance(turn, str) for turn in turns):
        return [{"role": "user", "content": turn} for turn in turns]
    asked = as_text(row.get("input"))
    if asked and "instruction" not in row and {"model", "instructions"} & row.keys():
        return [{"role": "user", "content": asked}]
    return None


def _chat(
    row: JsonObject, messages: list[JsonValue], system_prompts: SystemPrompts
) -> Conversation:
    bodies = [*_system(row), *message_list.system_texts(messages)]
    key, title, model = _about(row)
    return message_list.build_conversation(
        message_list.human_drafts(messages, model),
        system_prompts.candidates(bodies),
        key=key,
        title=title,
    )


def _text_of(row: JsonObject, keys: tuple[str, ...]) -> str | None:
    found = (row.get(key) for key in keys)
    return next(
        (as_text(str(each)) for each in found if each and isinstance(each, str | int)),
        None,
    )


def _is_template(row: JsonObject) -> bool:
    has_text = isinstance(row.get("system_prompt"), str) or isinstance(
        row.get("prompt_template"), str
    )
    return has_text and isinstance(row.get("name"), str)


def _templates(row: JsonObject, system_prompts: SystemPrompts) -> Iterator[Item]:
    """Yield the template under its name, and its system prompt."""
    title = as_text(row.get("name"))
    body = as_text(row.get("prompt_template"))
    system = as_text(row.get("system_prompt"))
    if body:
        wording = translate(mustache_pieces(body))
        made = _text_of(row, ("updated_at", "created_at"))
        yield _candidate(wording.draft(as_time(made)), row)
    if system:
        yield Conversation(tuple(system_prompts.candidates([system], title)))
    if not body and not system:
        yield Skipped(NO_TEXT)


def _is_prompt(row: JsonObject) -> bool:
    if isinstance(row.get("instruction"), str):
        return bool({"output", "input"} & row.keys())
    if isinstance(row.get("prompt"), str):
        keys = row.keys()
        is_named = not _STATE.intersection(keys) and bool(keys & {*_NAMES})
        return bool(keys & _ANSWERS) or is_named or keys <= _REQUEST
    # Lists of saved prompts of Open WebUI and Chatbot UI.
    is_named = "command" in row or {"name", "folderId"} <= row.keys()
    return is_named and isinstance(row.get("content"), str)


def _prompt(row: JsonObject, system_prompts: SystemPrompts) -> Iterator[Item]:
    parts = [as_text(row.get("instruction")), as_text(row.get("input"))]
    if not isinstance(row.get("instruction"), str):
        parts = [as_text(row.get("prompt")) or as_text(row.get("content"))]
    body = "\n\n".join(filter(None, parts))
    yield _candidate(Draft(body), row) if body else Skipped(NO_TEXT)
    system = system_prompts.candidates(as_text(row.get(key)) for key in _SYSTEM)
    if first := tuple(system):
        yield Conversation(first)


def _candidate(draft: Draft, row: JsonObject) -> Candidate:
    tags = [as_text(tag) for tag in as_list(row.get("tags"))]
    return Candidate(
        (draft,),
        title=_text_of(row, _NAMES),
        description=as_text(row.get("description")) or "",
        tags=tuple(filter(None, [*tags, as_text(row.get("category"))])),
    )
