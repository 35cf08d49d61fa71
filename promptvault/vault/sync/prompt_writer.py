"""Writing of states from the server into the vault's tables."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from promptvault.domain.name import leaf_of, own_name, validate_name
from promptvault.domain.prompt import clean_line, validate_tag
from promptvault.domain.revision import validate_label
from promptvault.domain.timestamp import from_text
from promptvault.errors import InvalidInputError
from promptvault.vault.imports.index import DeferredIndex
from promptvault.vault.prompt_row import (
    DELETE_PROMPT,
    FIND_ORIGIN,
    INSERT_LABEL,
    INSERT_PROMPT,
    PromptValues,
    tags_json,
)
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.item import State
from promptvault.vault.sync.name_collision import free_name
from promptvault.vault.sync.state import ORIGIN_FIELDS
from promptvault.vault.sync.version import (
    NewVersion,
    append_version,
    find_version,
    insert_version,
)

_UPDATE = """UPDATE prompts SET name = ?, leaf = ?, title = ?, description = ?,
        tags = ?, favourite = ?, source = ?, version_pk = ?, secrets_allowed = ?,
        created_at = ?, updated_at = ?, deleted_at = ? WHERE pk = ?"""
_ORIGIN = f"""INSERT INTO origins (prompt_pk, {", ".join(ORIGIN_FIELDS[:-1])},
        version_pk) VALUES ({", ".join("?" * (len(ORIGIN_FIELDS) + 1))})"""


class MissingVersionError(Exception):
    """A state names a version that is not here: the vault must be read again."""


class _Columns(NamedTuple):
    """The columns of `prompts` that follow from a state."""

    name: str
    title: str
    description: str
    tags: str
    favourite: bool
    source: str
    version: str
    secrets_allowed: bool
    created_at: str
    updated_at: str
    deleted_at: str | None


class PromptWriter:
    """Creates, changes and removes prompts, within the current transaction.

    Each change is added to the commit.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        commit: Commit,
        index: DeferredIndex | None = None,
    ) -> None:
        """The caller finishes *index*, if one is given."""
        self._connection, self._commit, self._index = connection, commit, index
        self._execute = connection.execute
        self.names: set[str] = set()
        """Names that were taken or freed; see `name_collision.resolve_collisions`."""
        (self._last_pk,) = self._execute(
            "SELECT coalesce(max(pk), 0) FROM prompts"
        ).fetchone()

    def find_pk(self, prompt_id: str) -> int | None:
        """Return the key of a prompt, None if it is not in the vault."""
        row = self._execute("SELECT pk FROM prompts WHERE id = ?", (prompt_id,))
        found = row.fetchone()
        return found[0] if found else None

    def create(
        self,
        prompt_id: str,
        state: State,
        versions: Sequence[NewVersion],
        *,
        deleted: bool,
    ) -> None:
        """Add a prompt with its versions, oldest first; raise MissingVersionError."""
        columns = _columns(state, prompt_id, deleted=deleted)
        self._last_pk += 1
        pk = self._last_pk
        keys = {
            new.id: insert_version(self._connection, pk, number, new)
            for number, new in enumerate(versions, 1)
        }
        current = keys.get(columns.version)
        if current is None:
            raise MissingVersionError
        name = columns.name if deleted else self._free_name(columns.name, prompt_id)
        head = (pk, prompt_id, name, leaf_of(name), *columns[1:6], current)
        self._execute(INSERT_PROMPT, PromptValues(*head, *columns[7:]))
        self._add_labels(pk, state)
        self._add_origins(pk, state)
        self._commit.add(pk)
        for key in keys.values():
            if key != current:
                self._commit.add_draft(pk, key)

    def add_versions(self, prompt_pk: int, versions: Sequence[NewVersion]) -> None:
        """Add versions to a prompt, with provisional numbers: see `Commit.renumber`."""
        for new in versions:
            key = append_version(self._connection, prompt_pk, new)
            self._commit.rewrite(self._connection, prompt_pk)
            self._commit.add_draft(prompt_pk, key)

    def update(self, pk: int, prompt_id: str, state: State, *, deleted: bool) -> None:
        """Set a prompt to *state*; raise MissingVersionError."""
        columns = _columns(state, prompt_id, deleted=deleted)
        current = find_version(self._connection, columns.version)
        if current is None:
            raise MissingVersionError
        name = columns.name if deleted else self._free_name(columns.name, prompt_id)
        self._prepare_change(pk)
        row = (name, leaf_of(name), *columns[1:6], current, *columns[7:], pk)
        self._execute(_UPDATE, row)
        self._execute("DELETE FROM labels WHERE prompt_pk = ?", (pk,))
        self._add_labels(pk, state)
        self._add_origins(pk, state)

    def remove(self, pk: int) -> None:
        """Delete a prompt permanently; only older commits of the history keep it."""
        self._prepare_change(pk)
        self._commit.remove(self._connection, pk)
        for statement in DELETE_PROMPT:
            self._execute(statement, (pk,))

    def trash(self, pk: int, time: str) -> None:
        """Move a prompt to the trash; no change if it is there already."""
        self._prepare_change(pk)
        sql = "UPDATE prompts SET deleted_at = coalesce(deleted_at, ?) WHERE pk = ?"
        self._execute(sql, (time, pk))

    def _free_name(self, name: str, prompt_id: str) -> str:
        free = free_name(self._connection, name, prompt_id)
        if free != name:
            self.names.add(name)
        return free

    def _prepare_change(self, pk: int) -> None:
        """Prepare a change of a prompt: index it, note its path and its name."""
        if self._index and pk > self._index.last_pk:
            self._index.catch_up()
        self._commit.rewrite(self._connection, pk)
        sql = "SELECT name, id FROM prompts WHERE pk = ?"
        self.names.add(own_name(*self._execute(sql, (pk,)).fetchone()))

    def _add_labels(self, pk: int, state: State) -> None:
        for label, version in state["labels"].items():
            key = find_version(self._connection, version)
            if key is None:
                raise MissingVersionError
            with contextlib.suppress(InvalidInputError):
                self._execute(INSERT_LABEL, (pk, validate_label(label), key))

    def _add_origins(self, pk: int, state: State) -> None:
        """Add the origins that the prompt does not have yet; none is removed."""
        for origin in _origins(state):
            place = [origin.get(name) for name in ORIGIN_FIELDS]
            where = (pk, place[0], place[1], place[3])
            if self._execute(FIND_ORIGIN, where).fetchone() is None:
                version = place[-1] and find_version(self._connection, place[-1])
                self._execute(_ORIGIN, (pk, *place[:-1], version))


def _columns(state: State, prompt_id: str, *, deleted: bool) -> _Columns:
    """Return the columns, made valid: a server may send anything."""
    return _Columns(
        _name(state["name"], prompt_id),
        clean_line(state["title"]),
        clean_line(state["description"]),
        tags_json(list(_tags(state["tags"]))),
        state["favourite"],
        clean_line(state["source"]) or "local",
        state["version"],
        bool(state.get("sensitive_allowed", False)),
        state["created_at"],
        state["updated_at"],
        state.get("deleted_at", state["updated_at"]) if deleted else None,
    )


def _name(name: str, prompt_id: str) -> str:
    try:
        return validate_name(name)
    except InvalidInputError:  # not safe as a path in the history
        return f"unnamed-{prompt_id[:8]}"


def _tags(tags: Sequence[str]) -> Iterator[str]:
    for tag in dict.fromkeys(tags):
        with contextlib.suppress(InvalidInputError):
            yield validate_tag(tag)


def _origins(state: State) -> Iterator[dict[str, Any]]:
    for origin in state.get("origins", []):
        known = {name: origin.get(name) for name in ORIGIN_FIELDS}
        texts = all(value is None or isinstance(value, str) for value in known.values())
        if texts and known["source"] and _is_time(known["created_at"]):
            yield known


def _is_time(text: str | None) -> bool:
    with contextlib.suppress(ValueError, OverflowError):
        return text is None or bool(from_text(text))
    return False
