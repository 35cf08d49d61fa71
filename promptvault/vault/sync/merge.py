"""Two states of a prompt made into one, with the one that both came from."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.merge import IsTemplate, MergeText, merge
from promptvault.domain.merge import State as Compared
from promptvault.domain.prompt import Author, Content
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.secret_scan import details_text, secrets_in
from promptvault.vault.sync.item import State, new_rev
from promptvault.vault.sync.prompt_writer import MissingVersionError
from promptvault.vault.sync.state import words_of
from promptvault.vault.sync.version import (
    NewVersion,
    append_version,
    content_of,
)

MESSAGE = "Merge what was changed on two devices"


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges prompts, and writes the version that a merge has made."""

    connection: sqlite3.Connection
    merge_text: MergeText
    is_template: IsTemplate
    author: Author
    now: datetime

    def is_same(self, ours: State, theirs: State) -> bool:
        """Tell whether both say the same, whatever their versions are called."""
        return self._compared(ours) == self._compared(theirs)

    def merge(
        self, prompt_pk: int, base: State | None, ours: State, theirs: State
    ) -> State | None:
        """Return the one state that has the changes of both, None on a conflict."""
        found = merge(
            self._compared(base) if base else None,
            self._compared(ours),
            self._compared(theirs),
            self.merge_text,
            self.is_template,
        )
        if found.state is None:
            return None
        return self._state(prompt_pk, found.state, ours, theirs)

    def _compared(self, state: State) -> Compared:
        content = content_of(self.connection, state["version"])
        if content is None:
            raise MissingVersionError
        return Compared(
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
        self, prompt_pk: int, merged: Compared, ours: State, theirs: State
    ) -> State:
        both = [*theirs.get("origins", [])]
        both += [each for each in ours.get("origins", []) if each not in both]
        return {
            **theirs,
            "name": merged.name,
            "title": merged.title,
            "description": merged.description,
            "tags": list(merged.tags),
            "favourite": merged.favourite,
            "sensitive_allowed": merged.secrets_allowed
            and _covers((ours, theirs), merged),
            "labels": dict(merged.labels),
            "version": self._version(prompt_pk, merged, ours, theirs),
            "updated_at": max(ours["updated_at"], theirs["updated_at"]),
            "origins": both,
        }

    def _version(
        self, prompt_pk: int, merged: Compared, ours: State, theirs: State
    ) -> str:
        """Return the version that the merge results in: one of theirs, or a new one."""
        content = _content(merged)
        for state in (theirs, ours):
            if _content(self._compared(state)) == content:
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


def _covers(sides: tuple[State, State], merged: Compared) -> bool:
    """Tell whether somebody allowed out each secret in what *merged* says in words.

    What was allowed on one side are the words of that side.
    """
    words = details_text(merged.name, merged.title, merged.description, merged.tags)
    allowed = [
        secrets_in(words_of(each)) for each in sides if each.get("sensitive_allowed")
    ]
    return secrets_in(words) <= set[str]().union(*allowed)


def _content(state: Compared) -> Content:
    variables = variables_from_mapping(state.variables)
    return Content(state.body, state.template, variables)
