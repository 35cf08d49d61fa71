"""Three-way merge of a prompt's states, and the version that a merge creates."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.merge import EditableState, IsTemplate, MergeText, merge
from promptvault.domain.prompt import Author, Content
from promptvault.domain.protected_label import with_labels_of
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.secret_scan import details_text, secrets_in
from promptvault.vault.sync.item import State, new_rev
from promptvault.vault.sync.prompt_writer import MissingVersionError
from promptvault.vault.sync.state import words_of
from promptvault.vault.sync.version import (
    NewVersion,
    append_version,
    version_content,
)

MESSAGE = "Merge what was changed on two devices"


@dataclass(frozen=True, slots=True)
class Merger:
    """Compares and merges states, within the current transaction.

    Every method raises MissingVersionError if a state names a version that is not in
    the vault.
    """

    connection: sqlite3.Connection
    merge_text: MergeText
    is_template: IsTemplate
    author: Author
    now: datetime
    locked_labels: Collection[str] = ()
    """Labels that the user may not move: a merge keeps theirs."""

    def is_same(self, ours: State, theirs: State) -> bool:
        """Return True if both states have the same content; version ids may differ."""
        return self._editable(ours) == self._editable(theirs)

    def merge(
        self, prompt_pk: int, base: State | None, ours: State, theirs: State
    ) -> State | None:
        """Return a state with the changes of both sides, None on a conflict.

        If the merged content is neither side's, a version with it is added to the
        prompt.
        """
        if self.locked_labels:
            ours = with_labels_of(theirs, ours, self.locked_labels)
        found = merge(
            self._editable(base) if base else None,
            self._editable(ours),
            self._editable(theirs),
            self.merge_text,
            self.is_template,
        )
        if found.state is None:
            return None
        return self._state(prompt_pk, found.state, ours, theirs)

    def _editable(self, state: State) -> EditableState:
        content = version_content(self.connection, state["version"])
        if content is None:
            raise MissingVersionError
        return EditableState(
            name=state["name"],
            title=state["title"],
            description=state["description"],
            tags=tuple(state["tags"]),
            favourite=state["favourite"],
            secrets_allowed=bool(state.get("sensitive_allowed", False)),
            labels=state["labels"],
            body=content["body"],
            template=content["template"],
            variables=content["variables"],
        )

    def _state(
        self, prompt_pk: int, merged: EditableState, ours: State, theirs: State
    ) -> State:
        origins = [*theirs.get("origins", [])]
        origins += [each for each in ours.get("origins", []) if each not in origins]
        return {
            **theirs,
            "name": merged.name,
            "title": merged.title,
            "description": merged.description,
            "tags": list(merged.tags),
            "favourite": merged.favourite,
            "sensitive_allowed": merged.secrets_allowed
            and _are_secrets_allowed((ours, theirs), merged),
            "labels": dict(merged.labels),
            "version": self._version(prompt_pk, merged, ours, theirs),
            "updated_at": max(ours["updated_at"], theirs["updated_at"]),
            "origins": origins,
        }

    def _version(
        self, prompt_pk: int, merged: EditableState, ours: State, theirs: State
    ) -> str:
        """Return the id of the version with the merged content, added if needed."""
        content = _content(merged)
        for state in (theirs, ours):
            if _content(self._editable(state)) == content:
                return str(state["version"])
        new = NewVersion(
            new_rev(),
            content,
            MESSAGE,
            (self.author.name, self.author.email),
            to_text(self.now),
        )
        append_version(self.connection, prompt_pk, new)
        return new.id


def _are_secrets_allowed(sides: tuple[State, State], merged: EditableState) -> bool:
    """Return True if each secret in the merged details was allowed on some side.

    The permission of a side covers only the secrets in that side's own details.
    """
    words = details_text(merged.name, merged.title, merged.description, merged.tags)
    allowed = [
        secrets_in(words_of(each)) for each in sides if each.get("sensitive_allowed")
    ]
    return secrets_in(words) <= set[str]().union(*allowed)


def _content(state: EditableState) -> Content:
    variables = variables_from_mapping(state.variables)
    return Content(state.body, state.template, variables)
