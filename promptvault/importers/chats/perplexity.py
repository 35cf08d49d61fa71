"""Threads of Perplexity; as JSON they are found in three shapes.

Perplexity's own export, on request, has {conversations: [{context_uuid, entries:
[{query}]}]}. Browser extensions write a file for each thread: {metadata, conversations:
[{query}]}, or what the website itself gets, {entries: [{query_str}], thread_metadata}.
The shapes are observed in public converters and exporters; none is documented.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.chats import perplexity_markdown
from promptvault.importers.conversation import turn_list
from promptvault.importers.conversation.turn_list import Turn
from promptvault.importers.input.candidate import Conversation, Draft, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import text_start
from promptvault.importers.input.field import as_list, as_object, as_time, first_text
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values

SOURCE = "perplexity"

_QUERIES = ("query", "query_str")
_IDS = ("entry_uuid", "uuid", "backend_uuid")
_TIMES = (
    "entry_created_datetime",
    "timestamp",
    "created_at",
    "entry_updated_datetime",
    "updated_datetime",
)
_MODELS = ("model", "display_model", "user_selected_model")
_THREAD_IDS = ("context_uuid", "thread_id", "thread_url_slug")
_TITLES = ("context_title", "thread_title", "title")
_URLS = ("thread_url", "thread_url_slug")
_SITE = "https://www.perplexity.ai/search/"
_ABOUT_THREAD = re.compile(rb'"(?:thread_\w++|related_queries)"\s*+:')
_EXPORT = ("conversations",)


class _Thread(NamedTuple):
    """A thread: its entries, and the objects that may name its fields."""

    entries: list[JsonObject]
    about: list[JsonObject]

    def text(self, names: Iterable[str]) -> str | None:
        """Return the first text under one of *names*."""
        found = (first_text(fields, names) for fields in self.about)
        return next(filter(None, found), None)


def probe(document: Document) -> bool:
    """Return True for threads in one of the three shapes, or as Markdown."""
    if not document.sample:
        return perplexity_markdown.probe(text_start(document))
    return any(map(_is_thread, document.sample)) or _is_single(document)


def read(document: Document) -> Items:
    """Yield the threads in *document*.

    Raises ImportSourceError if the file cannot be read further.
    """
    if perplexity_markdown.probe(text_start(document)):
        yield from perplexity_markdown.read(document)
        return
    unwrap = () if _is_single(document) else _EXPORT
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, unwrap)):
            where = f"{document.name}, thread {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and (thread := _thread(value)):
                yield _conversation(thread)
            else:
                yield Failure(where, "it is not a thread")


def _is_single(document: Document) -> bool:
    """Return True for one thread whose entries are under the key that in Perplexity's
    own export holds the threads."""
    start = document.head.replace(b"\0", b"")  # which UTF-16 has
    is_object = b"[" not in start.partition(b"{")[0] and b'"conversations"' in start
    return (
        is_object
        and _ABOUT_THREAD.search(start) is not None
        and any(isinstance(value.get("query"), str) for value in document.sample)
    )


def _is_thread(value: JsonObject) -> bool:
    is_named = isinstance(value.get("metadata"), dict)
    return any(
        _is_entry(entry) or (is_named and isinstance(entry.get("query"), str))
        for entry in _entries(value)[:5]
    )


def _is_entry(value: JsonObject) -> bool:
    return isinstance(value.get("query_str"), str) or (
        isinstance(value.get("query"), str) and "entry_uuid" in value
    )


def _entries(value: JsonObject) -> list[JsonObject]:
    """Return the entries of a thread, of whichever shape."""
    listed = value.get("entries") or value.get("conversations")
    return [as_object(entry) for entry in as_list(listed)]


def _thread(value: JsonObject) -> _Thread | None:
    if not {"entries", "conversations"} & value.keys():
        return None
    entries = _entries(value)
    named = [as_object(value.get(name)) for name in ("metadata", "thread_metadata")]
    return _Thread(entries, [value, *named, *entries[:1]])


def _conversation(thread: _Thread) -> Conversation:
    ordered = turn_list.in_order((_time(entry), entry) for entry in thread.entries)
    place = thread.text(_URLS)
    return turn_list.build_conversation(
        map(_turn, ordered),
        key=thread.text(_THREAD_IDS),
        title=thread.text(_TITLES),
        url=place and (place if "://" in place else _SITE + place),
    )


def _turn(entry: JsonObject) -> Turn:
    if turn_list.is_deleted(entry):
        return None
    if not (body := first_text(entry, _QUERIES)):
        return []
    return [
        Draft(body, _time(entry), first_text(entry, _IDS), first_text(entry, _MODELS))
    ]


def _time(entry: JsonObject) -> datetime | None:
    times = (as_time(entry.get(name)) for name in _TIMES)
    return next(filter(None, times), None)
