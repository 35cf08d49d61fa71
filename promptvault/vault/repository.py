"""Changes of prompts: each method is one change, with the commit that records it.

It uses sqlite3 from the standard library: `add` and `edit` run in scripts, and
importing SQLModel takes longer than all of their work. `tables.py` declares the same
tables with SQLModel; tests compare the two.
"""

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from promptvault.domain.name import leaf_of
from promptvault.domain.prompt import (
    LOCAL_SOURCE,
    Author,
    Content,
    Details,
    Origin,
    Prompt,
    Version,
)
from promptvault.domain.timestamp import to_text
from promptvault.errors import AlreadyExistsError
from promptvault.front_matter import header
from promptvault.vault import outbox
from promptvault.vault.outbox import history_path
from promptvault.vault.prompt_row import (
    DELETE_PROMPT,
    INSERT_LABEL,
    INSERT_PROMPT,
    INSERT_VERSION,
    UPDATE_DETAILS,
    PromptValues,
    details_values,
    version_values,
)
from promptvault.vault.reader import Reader

_SET_NAME = "UPDATE prompts SET name = ?, leaf = ? WHERE id = ?"
_FIND_VERSION = """SELECT p.pk, v.pk FROM prompts p JOIN versions v
    ON v.prompt_pk = p.pk WHERE p.id = ? AND v.number = ?"""
_MOVE_LABEL = "UPDATE labels SET version_pk = ? WHERE prompt_pk = ? AND name = ?"
_NEXT_NUMBER = """SELECT p.pk, coalesce(max(v.number), 0) + 1
    FROM prompts p LEFT JOIN versions v ON v.prompt_pk = p.pk WHERE p.id = ?"""
_INSERT_ORIGIN = """INSERT INTO origins (prompt_pk, version_pk, source, conversation_id,
        conversation_title, message_id, model, url)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


class Repository:
    """Changes of the vault by *author* at *now*, within the current transaction.

    Every change also adds its commit to the outbox. Methods raise sqlite3.Error, which
    `bulk_transaction` translates to VaultError.
    """

    def __init__(
        self, connection: sqlite3.Connection, author: Author, now: datetime
    ) -> None:
        self._execute = connection.execute
        self._connection = connection
        self._author = author
        self._time = now
        self._now = to_text(now)
        self.reader = Reader(connection)

    def add(
        self,
        name: str,
        content: Content,
        details: Details,
        message: str,
        origin: Origin | None = None,
    ) -> Prompt:
        """Save a new prompt; raises AlreadyExistsError if the name is taken."""
        self._require_free(name, "or 'add --upsert' to make a new version of it")
        (pk,) = self._execute("SELECT coalesce(max(pk), 0) + 1 FROM prompts").fetchone()
        row = PromptValues(
            pk=pk,
            id=str(uuid.uuid4()),
            name=name,
            leaf=leaf_of(name),
            source=origin.source if origin else LOCAL_SOURCE,
            version_pk=self._insert_version(pk, 1, content, message),
            created_at=self._now,
            updated_at=self._now,
            **details_values(details)._asdict(),
        )
        self._execute(INSERT_PROMPT, row)
        if origin:
            self._execute(_INSERT_ORIGIN, (pk, row.version_pk, *origin[:5], origin.url))
        return self._commit([row.id], message)[0]

    def add_version(self, prompt: Prompt, content: Content, message: str) -> Prompt:
        """Make *content* the next and current version of *prompt*."""
        pk, number = self._execute(_NEXT_NUMBER, (prompt.id,)).fetchone()
        version_pk = self._insert_version(pk, number, content, message)
        self._execute(
            "UPDATE prompts SET version_pk = ? WHERE pk = ?", (version_pk, pk)
        )
        return self._commit([prompt.id], message)[0]

    def _insert_version(
        self, prompt_pk: int, number: int, content: Content, message: str
    ) -> int:
        version = Version(
            str(uuid.uuid4()), number, content, message, self._author, self._time
        )
        row = version_values(version, prompt_pk)
        return self._execute(INSERT_VERSION, row).lastrowid or 0

    def update(self, prompt: Prompt, details: Details, message: str) -> Prompt:
        """Replace the details of *prompt*."""
        self._set_details(prompt, details)
        return self._commit([prompt.id], message)[0]

    def move(self, moves: Sequence[tuple[Prompt, str]], message: str) -> list[Prompt]:
        """Rename prompts, all in one commit; raises AlreadyExistsError."""
        self._rename(moves)
        left = [history_path(prompt) for prompt, _ in moves]
        return self._commit([prompt.id for prompt, _ in moves], message, left)

    def describe(
        self,
        changes: Sequence[tuple[Prompt, str, Details]],
        message: str,
        *,
        keep_time: bool = False,
    ) -> list[Prompt]:
        """Change names and details of prompts, all in one commit.

        With *keep_time* their `updated_at` does not change, so the change counts as
        part of the import that added them. Raises AlreadyExistsError.
        """
        self._rename([(prompt, name) for prompt, name, _ in changes])
        for prompt, _, details in changes:
            self._set_details(prompt, details)
        ids = [prompt.id for prompt, _, _ in changes]
        left = [history_path(p) for p, name, _ in changes if name != p.name]
        return self._commit(ids, message, left, keep_time=keep_time)

    def _rename(self, moves: Sequence[tuple[Prompt, str]]) -> None:
        freed = {prompt.name for prompt, _ in moves}
        for _, name in moves:
            if name not in freed:
                self._require_free(name)
        # A prompt may get a name that another one still has, so all prompts get a
        # temporary name first.
        for prompt, _ in moves:
            id_ = prompt.id
            self._execute("UPDATE prompts SET name = ? WHERE id = ?", (f"/{id_}", id_))
        for prompt, name in moves:
            self._execute(_SET_NAME, (name, leaf_of(name), prompt.id))

    def _set_details(self, prompt: Prompt, details: Details) -> None:
        self._execute(UPDATE_DETAILS, (*details_values(details), prompt.id))

    def label(self, prompt: Prompt, label: str, number: int, message: str) -> Prompt:
        """Move *label* to version *number*."""
        found = self._execute(_FIND_VERSION, (prompt.id, number)).fetchone()
        prompt_pk, version_pk = found
        # Not an upsert: it would override the OR IGNORE of the triggers.
        if not self._execute(_MOVE_LABEL, (version_pk, prompt_pk, label)).rowcount:
            self._execute(INSERT_LABEL, (prompt_pk, label, version_pk))
        return self._commit([prompt.id], message)[0]

    def remove_label(self, prompt: Prompt, label: str, message: str) -> Prompt:
        """Remove *label* from *prompt*."""
        self._execute(
            """DELETE FROM labels WHERE name = ?
            AND prompt_pk = (SELECT pk FROM prompts WHERE id = ?)""",
            (label, prompt.id),
        )
        return self._commit([prompt.id], message)[0]

    def trash(self, prompts: Sequence[Prompt], message: str) -> list[Prompt]:
        """Move prompts to the trash, all in one commit."""
        ids = [prompt.id for prompt in prompts]
        self._set_each("deleted_at", ids)
        return self._commit(ids, message, map(history_path, prompts))

    def restore(self, prompt: Prompt, name: str, message: str) -> Prompt:
        """Restore *prompt* from the trash as *name*; raises AlreadyExistsError."""
        self._require_free(name, "as 'trash restore NAME --as NEW'")
        self._execute(
            "UPDATE prompts SET name = ?, leaf = ?, deleted_at = NULL WHERE id = ?",
            (name, leaf_of(name), prompt.id),
        )
        return self._commit([prompt.id], message, [history_path(prompt)])[0]

    def purge(self, prompts: Sequence[Prompt], message: str) -> None:
        """Delete prompts permanently; only older commits of the history have them."""
        for prompt in prompts:
            key = self._execute("SELECT pk FROM prompts WHERE id = ?", (prompt.id,))
            pk = key.fetchone()
            for statement in DELETE_PROMPT:
                self._execute(statement, pk)
        self._commit([], message, map(history_path, prompts))

    def _require_free(
        self, name: str, advice: str = "or delete that one first"
    ) -> None:
        if self.reader.find(name):
            raise AlreadyExistsError(
                f"There is a prompt {name!r} already; choose another name ({advice})."
            )

    def _set_each(self, column: str, ids: Sequence[str]) -> None:
        """Set a time column of prompts to now."""
        sql = f"UPDATE prompts SET {column} = ? WHERE id = ?"
        self._connection.executemany(sql, [(self._now, id_) for id_ in ids])

    def _commit(
        self,
        ids: Sequence[str],
        message: str,
        left: Iterable[str] = (),
        *,
        keep_time: bool = False,
    ) -> list[Prompt]:
        """Add the commit of a change: removed files (*left*), and files of prompts."""
        if not keep_time:
            self._set_each("updated_at", ids)
        connection = self._connection
        commit = outbox.insert_commit(connection, self._author, message, self._time)
        rows: list[tuple[Any, ...]] = [(commit, path, None, None) for path in left]
        prompts = [self.reader.by_id(id_) for id_ in ids]
        rows += [self._file(commit, prompt) for prompt in prompts]
        connection.executemany(outbox.INSERT_FILE, rows)
        return prompts

    def _file(self, commit: int, prompt: Prompt) -> tuple[Any, ...]:
        version = self.reader.current(prompt)
        text = header(prompt, version, self.reader.origins(prompt))
        key = self._execute("SELECT version_pk FROM prompts WHERE id = ?", (prompt.id,))
        return commit, history_path(prompt), text, *key.fetchone()
