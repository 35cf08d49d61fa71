"""Reads ChatGPT exports of every generation, one conversation at a time."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from promptvault.domain.digest import digest
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
from promptvault.importers.input.field import fit, items, members, moment, text
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    values,
)

SOURCE = "chatgpt"

# Content types of role "user" that nobody typed: custom instructions, memories,
# and what tools and code gave back.
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
_FENCED = re.compile(r"\s*(?:The user provided [^`]*)?```(.*)```\s*", re.DOTALL)
# What the product itself writes where a person keeps instructions (agent mode).
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
    """Whether *document* holds ChatGPT conversations, or is its export's manifest."""
    return any(
        _is_manifest(value) or _is_tree(members(_unwrapped(value)))
        for value in document.sample
    )


def read(document: Document) -> Items:
    """Yield the conversations in *document*; custom instructions only once each."""
    seen: set[bytes] = set()
    with document.open() as stream:
        for index, value in enumerate(values(stream)):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and _is_manifest(value):
                yield from _missing_shards(value, document)
            else:
                yield _item(_unwrapped(value), where, seen)


def _unwrapped(value: JsonValue) -> JsonValue:
    """Return the conversation that a browser extension keeps among notes of its own."""
    inner = members(value).values() if "mapping" not in members(value) else ()
    return next((each for each in inner if _is_tree(members(each))), value)


def _is_tree(value: JsonObject) -> bool:
    nodes = value.get("mapping")
    if not isinstance(nodes, dict):
        return False
    first = map(members, islice(nodes.values(), 3))
    return any("message" in node or "children" in node for node in first) or (
        not nodes and "current_node" in value
    )


def _is_manifest(value: JsonObject) -> bool:
    return isinstance(value.get("logical_files"), dict) and "mapping" not in value


def _missing_shards(manifest: JsonObject, document: Document) -> Iterator[Failure]:
    """Compare `export_manifest.json` (since July 2026) with the files beside it."""
    logical = members(members(manifest["logical_files"]).get("conversations.json"))
    shards = [shard for shard in map(text, items(logical.get("files"))) if shard]
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
    nodes, textless = _nodes(mapping, text(value.get("default_model_slug")))
    key = text(value.get("conversation_id")) or text(value.get("id"))
    chat = tree.conversation(
        nodes,
        _leaf(value, nodes),
        key=key,
        title=text(value.get("title")),
        url=f"https://chatgpt.com/c/{key}" if key else None,
        textless=textless,
    )
    started = moment(value.get("create_time"))
    standing = tuple(_instructions(mapping, seen, started))
    return replace(chat, candidates=standing + chat.candidates)


def _leaf(value: JsonObject, nodes: dict[str, Node]) -> str | None:
    current = value.get("current_node")
    if isinstance(current, str) and current in nodes:
        return current
    return tree.newest_leaf(nodes)


def _nodes(mapping: JsonObject, model: str | None) -> tuple[dict[str, Node], int]:
    """Return the tree, and the number of human messages in it without text."""
    answers = _answering_models(mapping)
    nodes = {}
    textless = 0
    for key, value in mapping.items():
        parent = members(value).get("parent")
        message = _message(value)
        made = moment(message.get("create_time"))
        draft = None
        if _is_typed(message):
            if body := _body(message):
                name = text(message.get("id")) or fit(key)
                draft = Draft(body, made, name, answers.get(key, model))
            else:
                textless += 1
        nodes[key] = Node(parent if isinstance(parent, str) else None, made, draft)
    return nodes, textless


def _answering_models(mapping: JsonObject) -> dict[str, str]:
    """Return the model of the answer to each message, by the message's node."""
    models = {}
    for value in mapping.values():
        parent = members(value).get("parent")
        model = text(members(_message(value).get("metadata")).get("model_slug"))
        if isinstance(parent, str) and model:
            models[parent] = model
    return models


def _message(node: JsonValue) -> JsonObject:
    return members(members(node).get("message"))


def _is_typed(message: JsonObject) -> bool:
    """Whether a person wrote *message*: role "user" alone does not say so."""
    author = members(message.get("author"))
    metadata = members(message.get("metadata"))
    return (
        author.get("role") == "user"
        and text(members(message.get("content")).get("content_type")) not in _NOT_TYPED
        and not metadata.get("is_visually_hidden_from_conversation")
        and not metadata.get("is_user_system_message")
    )


def _body(message: JsonObject) -> str | None:
    """Join what was typed and what was spoken; files and images have no text."""
    parts = items(members(message.get("content")).get("parts"))
    return text("\n".join(filter(None, map(_part, parts))))


def _part(part: JsonValue) -> str | None:
    if isinstance(part, str):
        return part
    fields = members(part)
    if fields.get("content_type") == "audio_transcription":
        return text(fields.get("text")) if fields.get("direction") != "out" else None
    return text(fields.get("text")) if fields.get("content_type") == "text" else None


def _instructions(
    mapping: JsonObject, seen: set[bytes], started: datetime | None
) -> Iterator[Candidate]:
    """Yield the custom instructions not *seen* yet: each conversation repeats them.

    They bear no time of their own: that of the conversation stands for it.
    """
    for message in map(_message, mapping.values()):
        for body, title in _standing_texts(message):
            if (known := digest(body)) not in seen:
                seen.add(known)
                draft = Draft(body, moment(message.get("create_time")) or started)
                yield Candidate((draft,), Kind.INSTRUCTIONS, title=title)


def _standing_texts(message: JsonObject) -> Iterator[tuple[str, str | None]]:
    """Yield the instructions in *message*, each with its title if it has one."""
    content = members(message.get("content"))
    raw = members(message.get("metadata")).get("user_context_message_data")
    if raw or content.get("content_type") == "user_editable_context":
        for key, fallback, title in (
            ("about_user_message", "user_profile", "About me"),
            ("about_model_message", "user_instructions", "How to respond"),
        ):
            body = text(members(raw).get(key)) or _unfenced(content.get(fallback))
            if body:
                yield body, title
    elif members(message.get("author")).get("role") == "system":
        yield from _gpt_text(_body(message) or "")


def _unfenced(value: JsonValue) -> str | None:
    body = text(value)
    if not body or _UNWRITTEN.match(body):
        return None
    found = _FENCED.fullmatch(body)
    return text(found[1].strip()) if found else body


def _gpt_text(body: str) -> Iterator[tuple[str, str | None]]:
    if found := _GPT_TEXT.match(body):
        name = _GPT_NAME.search(body, 0, found.start(1))
        yield found[1], (name[1] or name[2]) if name else None
