"""Reads Claude.ai exports: chats, project instructions and design chats."""

from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter

from promptvault.errors import ImportSourceError
from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
    Kind,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    values,
)

SOURCE = "claude"

_HUMAN = ("human", "user")
_OLDEST = datetime.min.replace(tzinfo=UTC)
# Root messages name an all-zero parent, in some exports with version bits set.
_NO_PARENT = "00000000-0000-"
_UNSUPPORTED = "```\nThis block is not supported on your current device yet.\n```"
_CONVERSATION_KEYS = ("conversation_uuid", "conversation_id", "chat_uuid")


def probe(document: Document) -> bool:
    """Whether *document* holds something of Claude.ai that may hold prompts."""
    return any(
        "chat_messages" in _unwrapped(value)
        or _is_project(value)
        or _is_design(value)
        or _is_message(value)
        or _is_manifest(value)
        for value in document.sample
    )


def read(document: Document) -> Items:
    """Yield the chats and projects in *document*.

    Raises ImportSourceError for the download manifest of an export by itself.
    """
    loose: dict[str, list[JsonValue]] = {}
    with document.open() as stream:
        for index, value in enumerate(values(stream)):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif not isinstance(value, dict):
                yield Failure(where, "it is not a conversation")
            elif _is_manifest(value):
                yield from _missing_archives(value, document)
            elif _is_message(value):
                loose.setdefault(_conversation_key(value), []).append(value)
            else:
                yield _item(_unwrapped(value), where)
    for key, messages in loose.items():
        yield _chat({"uuid": key}, messages)


def _unwrapped(value: JsonObject) -> JsonObject:
    """Return the chat that a browser extension keeps among notes of its own."""
    inner = map(members, value.values()) if "chat_messages" not in value else ()
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


def _is_manifest(value: JsonObject) -> bool:
    return any("export_url" in members(file) for file in items(value.get("data_files")))


def _conversation_key(message: JsonObject) -> str:
    keys = (text(message.get(key)) for key in _CONVERSATION_KEYS)
    return next(filter(None, keys), "")


def _missing_archives(manifest: JsonObject, document: Document) -> Iterator[Failure]:
    """Compare a manifest (since August 2026) with the archives beside it.

    What the user downloads is then a list of links, one for each zip archive.
    """
    files = map(members, items(manifest["data_files"]))
    names = [name for file in files if (name := text(file.get("filename")))]
    if len(document.siblings) <= 1:
        raise ImportSourceError(
            f"{document.name} only lists the export's links: open each in a browser, "
            f"save {', '.join(names)}, and import the folder they are in."
        )
    present = {name.rpartition("/")[2] for name in document.siblings}
    if missing := [name for name in names if name not in present]:
        reason = f"the export lists files that are not here: {', '.join(missing)}"
        yield Failure(document.name, reason)


def _item(value: JsonObject, where: str) -> Item:
    if isinstance(messages := value.get("chat_messages"), list):
        return _chat(value, messages)
    if _is_design(value):
        return _design_chat(value, items(value.get("messages")))
    if "chat_messages" not in value and _is_project(value):
        return _project(value)
    return Failure(where, "it has no messages")


def _project(value: JsonObject) -> Conversation:
    body = text(value.get("prompt_template"))
    if not body:
        return Conversation((), {"no instructions": 1})
    draft = Draft(body, moment(value.get("created_at")))
    title = text(value.get("name"))
    return Conversation((Candidate((draft,), Kind.INSTRUCTIONS, title=title),))


def _chat(value: JsonObject, messages: list[JsonValue]) -> Conversation:
    nodes, textless = _nodes(messages, text(value.get("model")))
    leaf = value.get("current_leaf_message_uuid")
    if not isinstance(leaf, str) or leaf not in nodes:
        leaf = tree.newest_leaf(nodes)
    key = text(value.get("uuid"))
    return tree.conversation(
        nodes,
        leaf,
        key=key,
        title=text(value.get("name")) or text(value.get("title")),
        url=f"https://claude.ai/chat/{key}" if key else None,
        textless=textless,
    )


def _nodes(messages: list[JsonValue], model: str | None) -> tuple[dict[str, Node], int]:
    """Return the tree, and the number of human messages in it without text."""
    ordered, times = _in_order(messages)
    keys = _keys(ordered)
    nodes = {}
    textless = 0
    parents = _parents(ordered, keys)
    for key, parent, made, message in zip(keys, parents, times, ordered, strict=True):
        draft = None
        if message.get("sender") in _HUMAN and not _is_tool_result(message):
            if body := _body(message):
                draft = Draft(body, made, text(message.get("uuid")), model)
            else:
                textless += 1
        nodes[key] = Node(parent, made, draft)
    return nodes, textless


def _is_tool_result(message: JsonObject) -> bool:
    """Whether a tool answered, which some exports put in the person's mouth."""
    kinds = {members(block).get("type") for block in items(message.get("content"))}
    return kinds == {"tool_result"}


def _in_order(
    messages: list[JsonValue],
) -> tuple[list[JsonObject], list[datetime | None]]:
    """Return the messages by time, as files are not always, and the times.

    A message without time goes with the one before it in the file.
    """
    timed = []
    last = _OLDEST
    for message in map(members, messages):
        made = moment(message.get("created_at"))
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
    """Return the key of the message that each one answers.

    Where none is named (before 2025), or the one named is not there, it is the
    message before in time; the same one for all that name the same message.
    """
    known = set(keys)
    stand_ins: dict[str, str] = {}
    parents: list[str | None] = []
    for before, message in zip([None, *keys], messages, strict=False):
        parent = message.get("parent_message_uuid")
        if not isinstance(parent, str):
            parents.append(before)
        elif parent in known or parent.startswith(_NO_PARENT):
            parents.append(parent)
        else:
            parents.append(stand_ins.setdefault(parent, before or parent))
    return parents


def _design_chat(value: JsonObject, messages: list[JsonValue]) -> Conversation:
    """Read a Claude Design chat (since August 2026), which does not branch."""
    nodes: dict[str, Node] = {}
    last = None
    textless = 0
    for message in map(members, messages):
        for body in _design_bodies(message):
            made = _design_time(message)
            if body:
                draft = Draft(body, made, text(message.get("uuid")))
                parent, last = last, f"#{len(nodes)}"
                nodes[last] = Node(parent, made, draft)
            else:
                textless += 1
    project = text(members(value.get("project")).get("name"))
    return tree.conversation(
        nodes,
        last,
        key=text(value.get("uuid")),
        title=project or text(value.get("title")),
        url=None,
        textless=textless,
    )


def _design_bodies(message: JsonObject) -> Iterator[str | None]:
    """Yield what a person wrote: a message, or what came in between an answer."""
    content = members(message.get("content"))
    if (message.get("role") or content.get("role")) in _HUMAN:
        yield text(content.get("content")) or text(message.get("content"))
    for block in map(members, items(content.get("contentBlocks"))):
        if block.get("type") == "user_interjection":
            yield text(block.get("text")) or text(block.get("content"))


def _design_time(message: JsonObject) -> datetime | None:
    content = members(message.get("content"))
    return moment(content.get("timestamp")) or moment(message.get("created_at"))


def _body(message: JsonObject) -> str | None:
    """Return what was typed or said, else the text of what was pasted as a file.

    Content blocks come first: `text` holds placeholders where other blocks were.
    """
    blocks = [members(block) for block in items(message.get("content"))]
    said = [
        text(b.get("text")) for b in blocks if b.get("type") in ("text", "voice_note")
    ]
    body = "\n\n".join(filter(None, said))
    if not body and all(b.get("type") != "injected_prompt_block" for b in blocks):
        body = (text(message.get("text")) or "").replace(_UNSUPPORTED, "")
    return text(body) or _pasted(message)


def _pasted(message: JsonObject) -> str | None:
    files = map(members, items(message.get("attachments")))
    contents = (text(file.get("extracted_content")) for file in files)
    return "\n\n".join(filter(None, contents)) or None
