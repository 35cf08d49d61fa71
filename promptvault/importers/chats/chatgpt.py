"""ChatGPT exports of every generation, read one conversation at a time.

The format is that of `conversations.json`, observed in exports; it is not documented.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from promptvault.domain.digest import digest
from promptvault.importers.chats import deepseek
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
    without_person,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    sanitized,
)
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "chatgpt"

# Content types of role "user" that no person typed: custom instructions, memories, and
# results of tools and code.
_NOT_TYPED = frozenset(
    {
        "user_editable_context",
        "model_editable_context",
        "code",
        "execution_output",
        "computer_output",
        "citable_code_output",
        "tether_quote",
        "tether_browsing_code",
        "tether_browsing_display",
        "sonic_webpage",
        "system_error",
        "thoughts",
        "reasoning_recap",
    }
)
_LOOKED_AT = 50
"""Nodes that decide whether a tree is ChatGPT's; the first ones have no message."""
_FENCED = re.compile(r"\s*(?:The user provided [^`]*)?```(.*)```\s*", re.DOTALL)
# Text that agent mode writes in the place of a person's instructions.
_UNWRITTEN = re.compile(
    r"\s*(Very important: The user's timezone is|"
    r"If I ask about events that occur after the knowledge cutoff|"
    r"Currently there are no APIs available through API Tool)"
)
_GPT_NAME = re.compile(r'\bName: "(.+?)"|\byour name is (.+?)\. Note:')
_GPT_TEXT = re.compile(
    r"\AYou are a \W?GPT\b.*?instructions from the user outlining your goals "
    r"and how you should respond:\s*(.+)",
    re.DOTALL,
)


def probe(document: Document) -> bool:
    """Return True for ChatGPT conversations, and for the manifest of the export."""
    return any(
        _is_manifest(value) or _is_tree(as_object(_unwrapped(value)))
        for value in document.sample
    )


def read(document: Document) -> Items:
    """Yield the conversations in *document*; each custom instruction only once.

    Raises ImportSourceError if the file cannot be read further.
    """
    seen: set[bytes] = set()
    with document.open() as stream:
        for index, value in enumerate(json_values(stream)):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and _is_manifest(value):
                yield from _missing_shards(value, document)
            else:
                yield _item(_unwrapped(value), where, seen)


def _unwrapped(value: JsonValue) -> JsonValue:
    """Return the conversation from an object in which a browser extension wraps it."""
    inner = as_object(value).values() if "mapping" not in as_object(value) else ()
    return next((each for each in inner if _is_tree(as_object(each))), value)


def _is_tree(value: JsonObject) -> bool:
    nodes = value.get("mapping")
    if not isinstance(nodes, dict) or deepseek.is_chat(value):
        return False
    first = [as_object(node) for node in islice(nodes.values(), _LOOKED_AT)]
    messages = [message for node in first if (message := _message(node))]
    if messages:  # the author is what other trees of messages do not have
        return any("author" in message for message in messages)
    return "current_node" in value or any("children" in node for node in first)


def _is_manifest(value: JsonObject) -> bool:
    return isinstance(value.get("logical_files"), dict) and "mapping" not in value


def _missing_shards(manifest: JsonObject, document: Document) -> Iterator[Failure]:
    """Compare `export_manifest.json` (since July 2026) with the files next to it."""
    logical = as_object(as_object(manifest["logical_files"]).get("conversations.json"))
    shards = [shard for shard in map(as_text, as_list(logical.get("files"))) if shard]
    folder = posixpath.dirname(document.name)
    missing = [s for s in shards if posixpath.join(folder, s) not in document.siblings]
    if missing:
        reason = f"the export lists files that are not here: {', '.join(missing)}"
        yield Failure(document.name, reason)


def _item(value: JsonValue, where: str, seen: set[bytes]) -> Item:
    if not isinstance(value, dict):
        return Failure(where, "it is not a conversation")
    mapping = value.get("mapping")
    if not isinstance(mapping, dict):
        return Failure(where, "it has no messages")
    return _conversation(value, mapping, seen)


def _conversation(
    value: JsonObject, mapping: JsonObject, seen: set[bytes]
) -> Conversation:
    nodes, textless = _nodes(mapping, as_text(value.get("default_model_slug")))
    key = as_text(value.get("conversation_id")) or as_text(value.get("id"))
    chat = tree.build_conversation(
        nodes,
        _leaf(value, nodes),
        key=key,
        title=as_text(value.get("title")),
        url=f"https://chatgpt.com/c/{key}" if key else None,
        textless=textless,
    )
    untyped = sum(_role(_message(node)) == "user" for node in mapping.values())
    chat = without_person(chat, untyped)
    started = as_time(value.get("create_time"))
    instructions = tuple(_instructions(mapping, seen, started))
    return replace(chat, candidates=instructions + chat.candidates)


def _leaf(value: JsonObject, nodes: dict[str, Node]) -> str | None:
    current = value.get("current_node")
    if isinstance(current, str) and current in nodes:
        return current
    return tree.newest_leaf(nodes)


def _nodes(mapping: JsonObject, model: str | None) -> tuple[dict[str, Node], int]:
    """Return the tree, and the number of human messages without text."""
    answers = _answering_models(mapping)
    nodes = {}
    textless = 0
    for key, value in mapping.items():
        parent = as_object(value).get("parent")
        message = _message(value)
        made = as_time(message.get("create_time"))
        draft = None
        if _is_typed(message):
            if body := _body(message):
                name = as_text(message.get("id")) or sanitized(key)
                draft = Draft(body, made, name, answers.get(key, model))
            else:
                textless += 1
        nodes[key] = Node(parent if isinstance(parent, str) else None, made, draft)
    return nodes, textless


def _answering_models(mapping: JsonObject) -> dict[str, str]:
    """Return the model that answered each message, by the message's node."""
    models = {}
    for value in mapping.values():
        parent = as_object(value).get("parent")
        model = as_text(as_object(_message(value).get("metadata")).get("model_slug"))
        if isinstance(parent, str) and model:
            models[parent] = model
    return models


def _message(node: JsonValue) -> JsonObject:
    return as_object(as_object(node).get("message"))


def _role(message: JsonObject) -> JsonValue:
    return as_object(message.get("author")).get("role") or message.get("role")


def _is_typed(message: JsonObject) -> bool:
    """Return True if a person wrote *message*; the role "user" alone is not enough."""
    metadata = as_object(message.get("metadata"))
    return (
        _role(message) == "user"
        and as_text(as_object(message.get("content")).get("content_type"))
        not in _NOT_TYPED
        and not metadata.get("is_visually_hidden_from_conversation")
        and not metadata.get("is_user_system_message")
    )


def _body(message: JsonObject) -> str | None:
    """Return the typed and spoken texts; files and images have none."""
    content = message.get("content")
    fields = as_object(content)
    parts = as_list(fields.get("parts"))
    body = as_text("\n".join(filter(None, map(_part, parts))))
    return body or as_text(fields.get("text")) or as_text(content)


def _part(part: JsonValue) -> str | None:
    if isinstance(part, str):
        return part
    fields = as_object(part)
    if fields.get("content_type") == "audio_transcription":
        return as_text(fields.get("text")) if fields.get("direction") != "out" else None
    is_text = fields.get("content_type") in (None, "text")
    return as_text(fields.get("text")) if is_text else None


def _instructions(
    mapping: JsonObject, seen: set[bytes], started: datetime | None
) -> Iterator[Candidate]:
    """Yield custom instructions that are not in *seen*: each conversation repeats them.

    They have no time of their own, so they get that of the conversation.
    """
    for message in map(_message, mapping.values()):
        for body, title in _instruction_texts(message):
            if (known := digest(body)) not in seen:
                seen.add(known)
                draft = Draft(body, as_time(message.get("create_time")) or started)
                yield Candidate((draft,), CandidateKind.INSTRUCTIONS, title=title)


def _instruction_texts(message: JsonObject) -> Iterator[tuple[str, str | None]]:
    """Yield each instruction in *message* with its title, None if it has none."""
    content = as_object(message.get("content"))
    raw = as_object(message.get("metadata")).get("user_context_message_data")
    if raw or content.get("content_type") == "user_editable_context":
        for key, fallback, title in (
            ("about_user_message", "user_profile", "About me"),
            ("about_model_message", "user_instructions", "How to respond"),
        ):
            body = as_text(as_object(raw).get(key)) or _unfenced(content.get(fallback))
            if body:
                yield body, title
    elif _role(message) == "system":
        yield from _gpt_text(_body(message) or "")


def _unfenced(value: JsonValue) -> str | None:
    body = as_text(value)
    if not body or _UNWRITTEN.match(body):
        return None
    found = _FENCED.fullmatch(body)
    return as_text(found[1].strip()) if found else body


def _gpt_text(body: str) -> Iterator[tuple[str, str | None]]:
    if found := _GPT_TEXT.match(body):
        name = _GPT_NAME.search(body, 0, found.start(1))
        yield found[1], (name[1] or name[2]) if name else None
