"""Claude.ai exports: chats, project instructions and design chats.

The format is observed in exports; it is not documented.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter

from promptvault.importers.chats import claude_manifest
from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "claude"

_HUMAN = ("human", "user")
_OLDEST = datetime.min.replace(tzinfo=UTC)
# Root messages name an all-zero parent; some exports set the version bits in it.
_NO_PARENT = "00000000-0000-"
_UNSUPPORTED = "```\nThis block is not supported on your current device yet.\n```"
_CONVERSATION_KEYS = ("conversation_uuid", "conversation_id", "chat_uuid")


def probe(document: Document) -> bool:
    """Return True for chats, projects, single messages and the manifest of an
    export."""
    return any(
        "chat_messages" in _unwrapped(value)
        or _is_project(value)
        or _is_design(value)
        or _is_message(value)
        or claude_manifest.is_manifest(value)
        for value in document.sample
    )


def read(document: Document) -> Items:
    """Yield the chats and projects in *document*.

    Raises ImportSourceError for the manifest of an export by itself, and if the file
    cannot be read further.
    """
    loose: dict[str, list[JsonValue]] = {}
    with document.open() as stream:
        for index, value in enumerate(json_values(stream)):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif not isinstance(value, dict):
                yield Failure(where, "it is not a conversation")
            elif "chat_messages" in value:  # nearly always
                yield _item(value, where)
            elif claude_manifest.is_manifest(value):
                yield from claude_manifest.missing_archives(value, document)
            elif _is_message(value):
                loose.setdefault(_conversation_key(value), []).append(value)
            else:
                yield _item(_unwrapped(value), where)
    for key, messages in loose.items():
        yield _chat({"uuid": key}, messages)


def _unwrapped(value: JsonObject) -> JsonObject:
    """Return the chat from an object in which a browser extension wraps it."""
    inner = map(as_object, value.values()) if "chat_messages" not in value else ()
    return next((each for each in inner if "chat_messages" in each), value)


def _is_project(value: JsonObject) -> bool:
    return "uuid" in value and ("prompt_template" in value or "docs" in value)


def _is_design(value: JsonObject) -> bool:
    return (
        isinstance(value.get("messages"), list) and {"uuid", "project"} <= value.keys()
    )


def _is_message(value: JsonObject) -> bool:
    return (
        value.get("sender") in ("human", "assistant") and "chat_messages" not in value
    )


def _conversation_key(message: JsonObject) -> str:
    keys = (as_text(message.get(key)) for key in _CONVERSATION_KEYS)
    return next(filter(None, keys), "")


def _item(value: JsonObject, where: str) -> Item:
    if isinstance(messages := value.get("chat_messages"), list):
        return _chat(value, messages)
    if _is_design(value):
        return _design_chat(value, as_list(value.get("messages")))
    if "chat_messages" not in value and _is_project(value):
        return _project(value)
    return Failure(where, "it has no messages")


def _project(value: JsonObject) -> Conversation:
    body = as_text(value.get("prompt_template"))
    if not body:
        return Conversation((), {"no instructions": 1})
    draft = Draft(body, as_time(value.get("created_at")))
    title = as_text(value.get("name"))
    return Conversation((Candidate((draft,), CandidateKind.INSTRUCTIONS, title=title),))


def _chat(value: JsonObject, messages: list[JsonValue]) -> Conversation:
    nodes, textless = _nodes(messages, as_text(value.get("model")))
    leaf = value.get("current_leaf_message_uuid")
    if not isinstance(leaf, str) or leaf not in nodes:
        leaf = tree.newest_leaf(nodes)
    key = as_text(value.get("uuid"))
    return tree.build_conversation(
        nodes,
        leaf,
        key=key,
        title=as_text(value.get("name")) or as_text(value.get("title")),
        url=f"https://claude.ai/chat/{key}" if key else None,
        textless=textless,
    )


def _nodes(messages: list[JsonValue], model: str | None) -> tuple[dict[str, Node], int]:
    """Return the tree, and the number of human messages without text."""
    ordered, times = _in_order(messages)
    keys = _keys(ordered)
    nodes = {}
    textless = 0
    parents = _parents(ordered, keys)
    for key, parent, made, message in zip(keys, parents, times, ordered, strict=True):
        draft = None
        sender = message.get("sender") or message.get("role")
        if sender in _HUMAN and not _is_tool_result(message):
            if body := _body(message):
                draft = Draft(body, made, as_text(message.get("uuid")), model)
            else:
                textless += 1
        nodes[key] = Node(parent, made, draft)
    return nodes, textless


def _is_tool_result(message: JsonObject) -> bool:
    """Return True for the result of a tool, which some exports mark as human."""
    kinds = {as_object(block).get("type") for block in as_list(message.get("content"))}
    return kinds == {"tool_result"}


def _in_order(
    messages: list[JsonValue],
) -> tuple[list[JsonObject], list[datetime | None]]:
    """Return the messages sorted by time, which files are not always, and the times.

    A message without time stays behind the one before it in the file.
    """
    timed = []
    last = _OLDEST
    for message in map(as_object, messages):
        made = as_time(message.get("created_at"))
        last = made or last
        timed.append((last, made, message))
    timed.sort(key=itemgetter(0))
    return [message for _, _, message in timed], [made for _, made, _ in timed]


def _keys(messages: list[JsonObject]) -> list[str]:
    """Return a key for each message: its uuid, made unique by its position."""
    keys: dict[str, None] = {}
    for position, message in enumerate(messages):
        uuid = message.get("uuid")
        key = uuid if isinstance(uuid, str) else ""
        while not key or key in keys:
            key += f"#{position}"
        keys[key] = None
    return list(keys)


def _parents(messages: list[JsonObject], keys: list[str]) -> list[str | None]:
    """Return the key of each message's parent.

    If none is named (before 2025), or it is not in the export, that is the message
    before in time; messages that name the same missing parent get the same one.
    """
    known = set(keys)
    substitutes: dict[str, str] = {}
    parents: list[str | None] = []
    for before, message in zip([None, *keys], messages, strict=False):
        parent = message.get("parent_message_uuid")
        if not isinstance(parent, str):
            parents.append(before)
        elif parent in known or parent.startswith(_NO_PARENT):
            parents.append(parent)
        else:
            parents.append(substitutes.setdefault(parent, before or parent))
    return parents


def _design_chat(value: JsonObject, messages: list[JsonValue]) -> Conversation:
    """Return a Claude Design chat (since August 2026), which does not branch."""
    nodes: dict[str, Node] = {}
    last = None
    textless = 0
    for message in map(as_object, messages):
        for body in _design_bodies(message):
            made = _design_time(message)
            if body:
                draft = Draft(body, made, as_text(message.get("uuid")))
                parent, last = last, f"#{len(nodes)}"
                nodes[last] = Node(parent, made, draft)
            else:
                textless += 1
    project = as_text(as_object(value.get("project")).get("name"))
    return tree.build_conversation(
        nodes,
        last,
        key=as_text(value.get("uuid")),
        title=project or as_text(value.get("title")),
        url=None,
        textless=textless,
    )


def _design_bodies(message: JsonObject) -> Iterator[str | None]:
    """Yield what a person wrote: the message, and interjections within an answer."""
    content = as_object(message.get("content"))
    if (message.get("role") or content.get("role")) in _HUMAN:
        yield as_text(content.get("content")) or as_text(message.get("content"))
    for block in map(as_object, as_list(content.get("contentBlocks"))):
        if block.get("type") == "user_interjection":
            yield as_text(block.get("text")) or as_text(block.get("content"))


def _design_time(message: JsonObject) -> datetime | None:
    content = as_object(message.get("content"))
    return as_time(content.get("timestamp")) or as_time(message.get("created_at"))


def _body(message: JsonObject) -> str | None:
    """Return the typed or spoken text, or else the text that was pasted as a file.

    Content blocks come first: `text` has placeholders for other blocks.
    """
    blocks = [as_object(block) for block in as_list(message.get("content"))]
    said = [
        as_text(b.get("text")) or as_text(b.get("transcript"))
        for b in blocks
        if b.get("type") in ("text", "voice_note")
    ]
    body = "\n\n".join(filter(None, said))
    if not body and all(b.get("type") != "injected_prompt_block" for b in blocks):
        body = as_text(message.get("text")) or as_text(message.get("content")) or ""
        body = body.replace(_UNSUPPORTED, "")
    return as_text(body) or _pasted(message)


def _pasted(message: JsonObject) -> str | None:
    files = map(as_object, as_list(message.get("attachments")))
    contents = (as_text(file.get("extracted_content")) for file in files)
    return "\n\n".join(filter(None, contents)) or None
