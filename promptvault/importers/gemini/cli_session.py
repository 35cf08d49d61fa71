"""A session of Gemini CLI, built from its messages and later changes."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.conversation.tree import Node
from promptvault.importers.gemini.cli_text import is_snapshot, typed_text
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    Conversation,
    Draft,
    Skipped,
    without_person,
)
from promptvault.importers.input.field import as_list, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject

_ROOT = ""


class _Sent(NamedTuple):
    """A person's message, without the files that the CLI added."""

    body: str | None
    """"" if it has no text; None if all of it is the CLI's."""
    made: datetime | None
    name: str | None


class CliSession:
    """The last state of each message of one session.

    After going back to a message and writing another one, both answer the same message,
    so they become drafts of one prompt.
    """

    def __init__(self) -> None:
        self.key: str | None = None
        self._title: str | None = None
        self._is_subagent = False
        self._parents: dict[str, str] = {}
        self._branch: dict[str, None] = {}
        self._sent: dict[str, _Sent] = {}
        self._models: dict[str, str] = {}
        self._last_sent: str | None = None

    def record(self, value: JsonObject) -> None:
        """Add one record, as a line of a session's file has it."""
        if isinstance(value.get("$rewindTo"), str):
            self._rewind(str(value["$rewindTo"]))
        elif isinstance(change := value.get("$set"), dict):
            self._describe(change)
        elif "type" in value:
            self._message(value)
        else:
            self._describe(value)

    def answer(self, key: str, model: str | None) -> None:
        """Add a message that is not a person's."""
        self._append(key)
        if model and self._last_sent in self._branch:
            self._models.setdefault(str(self._last_sent), model)

    def conversation(self) -> Conversation | Skipped:
        """Return the prompts of the session; those of a subagent are only counted."""
        bodies = {key: sent.body for key, sent in self._sent.items()}
        if self._is_subagent:
            return Skipped("subagent", sum(map(bool, bodies.values())) or 1)
        bare = [b for b in bodies.values() if b and is_bare_command(b)]
        nodes = {k: self._node(k, parent) for k, parent in self._parents.items()}
        chat = tree.build_conversation(
            nodes,
            next(reversed(self._branch), None),
            key=self.key,
            title=self._title,
            url=None,
            textless=list(bodies.values()).count(""),
        )
        if not bare:
            untyped = [body for body in bodies.values() if body is None]
            return without_person(chat, len(untyped))
        others = {r: n for r, n in chat.skipped.items() if r != EMPTY_CONVERSATION}
        return replace(chat, skipped={**others, SLASH_COMMAND: len(bare)})

    def _describe(self, value: JsonObject) -> None:
        self.key = as_text(value.get("sessionId")) or self.key
        self._title = as_text(value.get("summary")) or self._title
        if kind := as_text(value.get("kind")):
            self._is_subagent = kind == "subagent"
        if messages := [
            m for m in as_list(value.get("messages")) if isinstance(m, dict)
        ]:
            self._replace(messages)

    def _replace(self, messages: list[JsonObject]) -> None:
        """Replace all messages, unless the new ones only summarize the old."""
        if not any(is_snapshot(message.get("content")) for message in messages):
            self._branch = {}
        for message in messages:
            self._message(message)

    def _message(self, value: JsonObject) -> None:
        key = as_text(value.get("id")) or f"#{len(self._parents)}"
        if value.get("type") != "user":
            self.answer(key, as_text(value.get("model")))
            return
        self._append(key)
        sent = _Sent(
            _typed(value), as_time(value.get("timestamp")), as_text(value.get("id"))
        )
        if sent.body is not None or key not in self._sent:
            self._sent[key] = sent
        self._last_sent = key

    def _append(self, key: str) -> None:
        if key not in self._branch:
            self._parents[key] = next(reversed(self._branch), _ROOT)
            self._branch[key] = None

    def _rewind(self, key: str) -> None:
        """Drop *key* and all after it; drop all if *key* is not known."""
        keys = list(self._branch)
        end = keys.index(key) if key in self._branch else 0
        self._branch = dict.fromkeys(keys[:end])
        sent = (key for key in reversed(self._branch) if key in self._sent)
        self._last_sent = next(sent, None)

    def _node(self, key: str, parent: str) -> Node:
        body, made, name = self._sent.get(key, _Sent(None, None, None))
        if not body or is_bare_command(body):
            return Node(parent, made)
        draft = Draft(
            body, made, name, self._models.get(key), is_command=is_command(body)
        )
        return Node(parent, made, draft)


def _typed(message: JsonObject) -> str | None:
    """Return what the person saw when typing, if it is there: the rest has files
    added."""
    shown = message.get("displayContent")
    return (typed_text(shown) if shown else None) or typed_text(message.get("content"))
