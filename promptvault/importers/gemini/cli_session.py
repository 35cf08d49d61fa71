"""A session of Gemini CLI, put together from its messages and later changes."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.gemini.cli_text import is_command, is_snapshot, typed
from promptvault.importers.input.candidate import Conversation, Draft, Skipped
from promptvault.importers.input.field import items, moment, text
from promptvault.importers.input.json_stream import JsonObject

_ROOT = ""


class _Sent(NamedTuple):
    """A message of a person's, without the files that the CLI put into it."""

    body: str | None
    """"" where it holds no text; None where all of it is the CLI's own."""
    made: datetime | None
    name: str | None


class Session:
    """The messages of one session, the last state of each.

    Going back to a message and writing another in its place makes drafts of one
    prompt: both answer the same message.
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
        """Take in one record, as a line of a session's file holds it."""
        if isinstance(value.get("$rewindTo"), str):
            self._rewind(str(value["$rewindTo"]))
        elif isinstance(change := value.get("$set"), dict):
            self._describe(change)
        elif "type" in value:
            self._message(value)
        else:
            self._describe(value)

    def answer(self, key: str, model: str | None) -> None:
        """Take in a message that is not a person's."""
        self._append(key)
        if model and self._last_sent in self._branch:
            self._models.setdefault(str(self._last_sent), model)

    def conversation(self) -> Conversation | Skipped:
        """Return the prompts of the session; those of a subagent are only counted."""
        bodies = {key: sent.body for key, sent in self._sent.items()}
        if self._is_subagent:
            return Skipped("subagent", sum(map(bool, bodies.values())) or 1)
        commands = {key for key, body in bodies.items() if body and is_command(body)}
        nodes = {
            key: self._node(key, parent, is_prompt=key not in commands)
            for key, parent in self._parents.items()
        }
        chat = tree.conversation(
            nodes,
            next(reversed(self._branch), None),
            key=self.key,
            title=self._title,
            url=None,
            textless=list(bodies.values()).count(""),
        )
        if not commands:
            return chat
        others = {r: n for r, n in chat.skipped.items() if r != "empty conversation"}
        return replace(chat, skipped={**others, "slash command": len(commands)})

    def _describe(self, value: JsonObject) -> None:
        self.key = text(value.get("sessionId")) or self.key
        self._title = text(value.get("summary")) or self._title
        if kind := text(value.get("kind")):
            self._is_subagent = kind == "subagent"
        if messages := [m for m in items(value.get("messages")) if isinstance(m, dict)]:
            self._replace(messages)

    def _replace(self, messages: list[JsonObject]) -> None:
        """Take in a whole new list, unless it only sums up what was said before."""
        if not any(is_snapshot(message.get("content")) for message in messages):
            self._branch = {}
        for message in messages:
            self._message(message)

    def _message(self, value: JsonObject) -> None:
        key = text(value.get("id")) or f"#{len(self._parents)}"
        if value.get("type") != "user":
            self.answer(key, text(value.get("model")))
            return
        self._append(key)
        sent = _Sent(
            _typed(value), moment(value.get("timestamp")), text(value.get("id"))
        )
        if sent.body is not None or key not in self._sent:
            self._sent[key] = sent
        self._last_sent = key

    def _append(self, key: str) -> None:
        if key not in self._branch:
            self._parents[key] = next(reversed(self._branch), _ROOT)
            self._branch[key] = None

    def _rewind(self, key: str) -> None:
        """Drop *key* and all after it; all there is where *key* is not known."""
        keys = list(self._branch)
        end = keys.index(key) if key in self._branch else 0
        self._branch = dict.fromkeys(keys[:end])
        sent = (key for key in reversed(self._branch) if key in self._sent)
        self._last_sent = next(sent, None)

    def _node(self, key: str, parent: str, *, is_prompt: bool) -> Node:
        body, made, name = self._sent.get(key, _Sent(None, None, None))
        draft = Draft(body, made, name, self._models.get(key)) if body else None
        return Node(parent, made, draft if is_prompt else None)


def _typed(message: JsonObject) -> str | None:
    """What the person saw when typing comes first: the rest has files put in."""
    shown = message.get("displayContent")
    return (typed(shown) if shown else None) or typed(message.get("content"))
