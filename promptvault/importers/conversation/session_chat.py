"""A session with an agent, read record by record from its log."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NO_TEXT,
    Conversation,
    Draft,
    without_person,
)

_ROOT = ""
"""Parent of the first prompts, so that these are edits of each other."""


@dataclass
class SessionChat:
    """Collects the prompts of one session; nothing else of it is in memory.

    A prompt follows the one before it. After going back, the next prompt is an edit of
    the one that was taken back.
    """

    key: str | None = None
    """Id of the session."""
    title: str | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    model: str | None = None
    """Model that is in use; see `set_model`."""
    not_typed: int = 0
    """Number of messages in a person's name that no person typed."""
    _nodes: dict[str, Node] = field(default_factory=dict, init=False)
    _tip: str = field(default=_ROOT, init=False)
    _parents: dict[str, str] = field(default_factory=dict, init=False)
    """Record that a prompt answers, to the parent of that prompt."""

    @property
    def prompts(self) -> int:
        """Number of prompts, whatever branch they are on."""
        return sum(node.draft is not None for node in self._nodes.values())

    def add(self, draft: Draft, answered: str | None = None) -> None:
        """Add a prompt, unless it is a known one or a command without arguments.

        *answered* is the id of the record that it answers, if the source has one: two
        prompts that answer the same record are edits of each other.
        """
        if is_bare_command(draft.body):
            self.skipped[SLASH_COMMAND] += 1
            return
        known = self._nodes.get(draft.message_id or "")
        if known and known.draft and known.draft.body == draft.body:
            return
        key = self._free_key(draft)
        draft = draft._replace(message_id=key, is_command=is_command(draft.body))
        self._add_node(key, draft, answered)

    def add_typed(
        self,
        body: str | None,
        made: datetime | None,
        message_id: str | None,
        answered: str | None = None,
    ) -> None:
        """Add a message: "" if it has no text, None if no person typed it."""
        if body:
            self.add(Draft(body, made, message_id, self.model), answered)
        elif body is None:
            self.not_typed += 1
        else:
            self.add_textless()

    def add_textless(self) -> None:
        """Add a message without text, such as an image."""
        self.skipped[NO_TEXT] += 1
        self._add_node(f"#{len(self._nodes)}", None, None)

    def set_model(self, model: str | None) -> None:
        """Set the model of later prompts, and of the last one if that has none."""
        self.model = model or self.model
        node = self._nodes.get(self._tip)
        if node and node.draft and not node.draft.model:
            draft = node.draft._replace(model=self.model)
            self._nodes[self._tip] = replace(node, draft=draft)

    def go_back(self, count: int) -> None:
        """Take back the last *count* prompts."""
        while count > 0 and self._tip in self._nodes:
            self._tip = self._nodes[self._tip].parent or _ROOT
            count -= 1

    def go_to(self, record: str) -> None:
        """Take back the prompt that answered *record*, and all after it."""
        self._tip = self._parents.get(record, self._tip)

    def conversation(self) -> Conversation:
        """Return the prompts of the current branch, and what was left out."""
        chat = tree.build_conversation(
            self._nodes,
            self._tip,
            key=self.key,
            title=self.title,
            url=None,
            textless=self.skipped[NO_TEXT],
        )
        if others := {r: n for r, n in self.skipped.items() if n and r != NO_TEXT}:
            counted = {**chat.skipped, **others}
            counted.pop(EMPTY_CONVERSATION, None)
            return replace(chat, skipped=counted)
        return without_person(chat, self.not_typed)

    def _add_node(self, key: str, draft: Draft | None, answered: str | None) -> None:
        parent = self._parents.get(answered, self._tip) if answered else self._tip
        if answered:
            self._parents[answered] = parent
        made = draft.created_at if draft else None
        self._nodes[key] = Node(parent, made, draft)
        self._tip = key

    def _free_key(self, draft: Draft) -> str:
        """Return the id of a prompt: its own, else its time, else its number."""
        time = draft.created_at.isoformat() if draft.created_at else ""
        number = f"{time}#{len(self._nodes)}"
        names = (draft.message_id, time, number, f"{number}#")
        return next(name for name in names if name and name not in self._nodes)
