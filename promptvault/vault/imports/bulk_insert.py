"""Inserts and updates many prompts in one transaction, as an import does.

Rows are written in batches, with keys assigned here, and the search index is filled at
the end. The outbox gets one commit for each draft and one for everything else.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from promptvault.domain.digest import digest
from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.name import leaf_of
from promptvault.domain.prompt import Author, ContentScan, Origin, Prompt, Version
from promptvault.domain.timestamp import from_text, to_text
from promptvault.front_matter import header
from promptvault.secret_scan import secret_types
from promptvault.vault import outbox
from promptvault.vault.imports.batch import Batch
from promptvault.vault.imports.dedupe import Match, Matcher
from promptvault.vault.imports.index import DeferredIndex
from promptvault.vault.outbox import history_path
from promptvault.vault.prompt_row import (
    FIND_ORIGIN,
    PromptValues,
    tags_json,
    version_values,
)
from promptvault.vault.reader import Reader


class ImportOutcome(StrEnum):
    """What `BulkInsert.upsert` did with a prompt."""

    ADDED = "added"
    UPDATED = "updated"
    """The prompt was known and got newer versions."""
    DUPLICATE = "duplicate"
    """The prompt was known, with all its versions; new origins were added."""
    EDITED_HERE = "edited here"
    """The prompt was known and edited in the vault since; newer versions were not
    added."""


_FIND_LIVING = "SELECT 1 FROM prompts WHERE name = ? AND deleted_at IS NULL"
_FIND_VERSION = "SELECT 1 FROM versions WHERE id = ?"
_CURRENT = """SELECT version_pk, deleted_at,
        (SELECT max(number) FROM versions WHERE prompt_pk = prompts.pk)
    FROM prompts WHERE pk = ?"""
_CURRENT_PK = "SELECT version_pk FROM prompts WHERE pk = ?"
# Permission to share a secret is for the text it was given for, not for a new one.
_ADVANCE = """UPDATE prompts SET version_pk = ?1, updated_at = max(updated_at, ?2),
    secrets_allowed = secrets_allowed AND
        (SELECT secrets FROM versions WHERE pk = ?1) = '[]'
    WHERE pk = ?3"""
# The state before an update, for an undo: only the first update of an import counts.
_SAVE_STATE = """INSERT OR IGNORE INTO import_growth
    SELECT ?, pk, updated_at, secrets_allowed, version_pk FROM prompts WHERE pk = ?"""
_INSERT_DRAFT = "INSERT INTO temp.drafts VALUES (?, ?, ?, ?, ?)"
_DRAFTS = "SELECT * FROM temp.drafts ORDER BY created_at, version_pk"
_ANY_FILE = "SELECT 1 FROM outbox_files WHERE outbox_pk = ? LIMIT 1"
_DROP_FILE = "DELETE FROM outbox_files WHERE pk = ?"
_SCRATCH = (
    "DROP TABLE IF EXISTS temp.drafts",
    "DROP TABLE IF EXISTS temp.touched",
    "CREATE TEMP TABLE drafts (created_at, message, path, header, version_pk)",
    "CREATE TEMP TABLE touched (prompt_pk INTEGER PRIMARY KEY)",
)
_SET_MESSAGE = "UPDATE outbox SET message = ? WHERE pk = ?"
_COUNT_HELD_BACK = """SELECT count(*) FROM prompts p
    JOIN versions v ON v.pk = p.version_pk
    WHERE p.pk > ? AND v.secrets != '[]' AND NOT p.secrets_allowed"""
_ROOM_FOR_DRAFTS = 1 << 32

_Inserted = tuple[int, Version]
"""Key of a version, and the version."""


class BulkInsert:
    """Inserts and updates prompts within the transaction under way.

    A prompt that comes twice is found the second time, even if it is not written yet.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        author: Author,
        now: datetime,
        import_pk: int | None,
        send: Callable[[int, str], None] | None = None,
    ) -> None:
        """*import_pk* is the import that undo can name, None if there is none.

        *send*, if given, is called with outbox key and content of each new file, before
        the transaction ends.
        """
        self._connection = connection
        self._reader = Reader(connection)
        self._matcher = Matcher(connection)
        self._execute = connection.execute
        self._author = author
        self._now = now
        self._import_pk = import_pk
        self._ids = _random_ids()
        self._send = send
        for statement in _SCRATCH:
            self._execute(statement)
        self._index = DeferredIndex(connection)
        self._prompt_pk = self._last_prompt_pk = self._index.last_pk
        self._batch = Batch(connection, is_first=not self._last_prompt_pk)
        self._last_file_pk = self._maximum("outbox_files")
        self._version_pk = self._maximum("versions")
        # The commits of drafts come before this one, and are known only at the end.
        self._first_outbox_pk = self._maximum("outbox") + 1
        self._outbox_pk = self._first_outbox_pk + _ROOM_FOR_DRAFTS
        self._insert_commit(self._outbox_pk, "", now)
        self._suffixes: dict[str, int] = {}

    def _maximum(self, table: str) -> int:
        sql = f"SELECT coalesce(max(pk), 0) FROM {table}"
        return int(self._execute(sql).fetchone()[0])

    def _insert_commit(self, pk: int, message: str, time: datetime) -> None:
        outbox.insert_commit(self._connection, self._author, message, time, pk)

    def upsert(self, prompt: ImportedPrompt) -> ImportOutcome:
        """Add *prompt*, or the versions and origins of it that the vault lacks.

        The body of each version must be valid: see `validate_body`.
        """
        key = _digest(prompt.current)
        match = self._find(prompt, key)
        if match is None:
            self._add(prompt, key)
            return ImportOutcome.ADDED
        if not match.missing:
            self._add_origins(match.prompt_pk, prompt)
            return ImportOutcome.DUPLICATE
        return self._update(match, prompt)

    def _find(self, prompt: ImportedPrompt, key: bytes) -> Match | None:
        if self._batch.may_match(prompt, key):
            self._batch.write()
        elif self._batch.knows_all:
            return None
        return self._matcher.find(prompt, key)

    def _update(self, match: Match, prompt: ImportedPrompt) -> ImportOutcome:
        """Add the missing versions, unless the prompt was edited here since."""
        pk = match.prompt_pk
        version_pk, deleted_at, number = self._execute(_CURRENT, (pk,)).fetchone()
        if pk > self._index.last_pk:
            # The update's trigger removes the old text, which must be in the index.
            self._batch.write()
            self._index.catch_up()
        if version_pk != match.version_pk or deleted_at:
            return ImportOutcome.EDITED_HERE
        if self._import_pk is not None:
            self._execute(_SAVE_STATE, (self._import_pk, pk))
        new = {
            index: self._append(pk, number + offset, prompt.versions[index])
            for offset, index in enumerate(match.missing, 1)
        }
        self._batch.write()
        current = new.pop(prompt.current_index, None)
        self._write_drafts(pk, list(new.values()))
        if current:
            version_pk, version = current
            self._execute(_ADVANCE, (version_pk, to_text(version.created_at), pk))
        self._touch(pk)
        return ImportOutcome.UPDATED

    def _append(self, pk: int, number: int, new: ImportedVersion) -> _Inserted:
        version = self._insert_version(pk, number, new, _digest(new))
        if new.origin:
            self._insert_origin(pk, self._version_pk, new.origin)
        return self._version_pk, version

    def _write_drafts(self, pk: int, versions: Sequence[_Inserted]) -> None:
        if not versions:
            return
        prompt = self._read(pk)
        origins = self._reader.origins(prompt)
        for version_pk, version in versions:
            self._insert_draft(prompt, version, origins, version_pk)

    def _insert_draft(
        self,
        prompt: Prompt,
        version: Version,
        origins: Sequence[Origin],
        version_pk: int,
    ) -> None:
        head = header(prompt._replace(labels={}), version, origins)
        row = (to_text(version.created_at), version.message, history_path(prompt), head)
        self._execute(_INSERT_DRAFT, (*row, version_pk))

    def _read(self, pk: int) -> Prompt:
        (id_,) = self._execute("SELECT id FROM prompts WHERE pk = ?", (pk,)).fetchone()
        return self._reader.by_id(id_)

    def _add(self, prompt: ImportedPrompt, key: bytes) -> None:
        self._prompt_pk += 1
        pk = self._prompt_pk
        name = prompt.name if prompt.deleted_at else self._free_name(prompt.name)
        first_version_pk = self._version_pk + 1
        at = prompt.current_index
        versions = [
            self._insert_version(
                pk, index + 1, new, key if index == at else _digest(new)
            )
            for index, new in enumerate(prompt.versions)
        ]
        current = versions[at]
        made = self._prompt(prompt, name, versions, current)
        self._insert_prompt(pk, made, first_version_pk)
        origins = self._insert_origins(pk, first_version_pk, prompt)
        for index, version in enumerate(versions):
            if index != at:
                seen = origins[: index + 1]
                self._insert_draft(made, version, seen, first_version_pk + index)
        file_pk = self._file_pk(pk)
        file = (file_pk, self._outbox_pk, history_path(made), first_version_pk + at)
        self._batch.add("files", file)
        self._batch.write_if_full()
        if self._send:
            self._send(file_pk, header(made, current, origins) + current.body)

    def _file_pk(self, prompt_pk: int) -> int:
        """Return the outbox key of the file of a prompt that this import adds."""
        return self._last_file_pk + prompt_pk - self._last_prompt_pk

    def _free_name(self, wanted: str) -> str:
        """Return *wanted*, with the first free number appended if it is taken."""
        number = self._suffixes.get(wanted, 1)
        name = wanted if number == 1 else f"{wanted}-{number}"
        while self._is_taken(name):
            number += 1
            name = f"{wanted}-{number}"
        if number > 1:
            self._suffixes[wanted] = number
        return name

    def _is_taken(self, name: str) -> bool:
        if name in self._batch.names or self._batch.knows_all:
            return name in self._batch.names
        return self._execute(_FIND_LIVING, (name,)).fetchone() is not None

    def _insert_version(
        self, prompt_pk: int, number: int, new: ImportedVersion, key: bytes
    ) -> Version:
        self._version_pk += 1
        author = new.author or self._author
        id_ = next(self._ids) if self._has_version(new.id) else new.id
        time = new.created_at or self._now
        version = Version(id_, number, new.content, new.message, author, time)
        row = version_values(
            version,
            prompt_pk,
            pk=self._version_pk,
            scan=new.scan or ContentScan(key, secret_types(new.content)),
            import_pk=self._import_pk,
        )
        self._batch.add("versions", row)
        self._batch.keys |= {key, id_}
        return version

    def _has_version(self, id_: str) -> bool:
        if not id_ or id_ in self._batch.keys:
            return True
        return self._execute(_FIND_VERSION, (id_,)).fetchone() is not None

    def _prompt(
        self,
        prompt: ImportedPrompt,
        name: str,
        versions: Sequence[Version],
        current: Version,
    ) -> Prompt:
        return Prompt(
            id=prompt.id or next(self._ids),
            name=name,
            title=prompt.title,
            description=prompt.description,
            tags=prompt.tags,
            favourite=prompt.favourite,
            template=current.content.template,
            source=prompt.source,
            version=current.number,
            labels=dict(prompt.labels),
            created_at=prompt.created_at or versions[0].created_at,
            updated_at=prompt.updated_at or current.created_at,
            deleted_at=prompt.deleted_at,
            secrets_allowed=prompt.secrets_allowed,
            version_id=current.id,
            versions=len(versions),
        )

    def _insert_prompt(self, pk: int, made: Prompt, first_version_pk: int) -> None:
        row = PromptValues(
            pk=pk,
            id=made.id,
            name=made.name,
            leaf=leaf_of(made.name),
            title=made.title,
            description=made.description,
            tags=tags_json(made.tags),
            favourite=made.favourite,
            source=made.source,
            version_pk=first_version_pk + made.version - 1,
            secrets_allowed=made.secrets_allowed,
            created_at=to_text(made.created_at),
            updated_at=to_text(made.updated_at),
            deleted_at=to_text(made.deleted_at) if made.deleted_at else None,
            import_pk=self._import_pk,
        )
        self._batch.add("prompts", row)
        if not made.deleted_at:
            self._batch.names.add(made.name)
        for label, number in made.labels.items():
            self._batch.add("labels", (pk, label, first_version_pk + number - 1))

    def _insert_origins(
        self, pk: int, first_version_pk: int, prompt: ImportedPrompt
    ) -> list[Origin]:
        origins = []
        for index, version in enumerate(prompt.versions):
            if version.origin:
                self._insert_origin(pk, first_version_pk + index, version.origin)
                origins.append(version.origin)
        for origin in prompt.origins:
            self._insert_origin(pk, None, origin)
            origins.append(origin)
        return origins

    def _insert_origin(self, pk: int, version_pk: int | None, origin: Origin) -> None:
        time = to_text(origin.created_at) if origin.created_at else None
        row = (pk, version_pk, self._import_pk, *origin[:5], time, origin.url)
        self._batch.add("origins", row)
        if origin.message_id:
            self._batch.keys.add(origin.message_id)

    def _add_origins(self, pk: int, prompt: ImportedPrompt) -> None:
        """Add the origins of a known prompt that the vault lacks."""
        own = prompt.current.origin
        for origin in (*([own] if own else []), *prompt.origins):
            key = (pk, origin.source, origin.conversation_id, origin.message_id)
            if not self._execute(FIND_ORIGIN, key).fetchone():
                self._insert_origin(pk, None, origin)
                self._touch(pk)
        self._batch.write_if_full()

    def _touch(self, pk: int) -> None:
        self._execute("INSERT OR IGNORE INTO temp.touched VALUES (?)", (pk,))

    def finish(self, message: str) -> int:
        """Write the commits: one for each draft, oldest first, then one with *message*.

        Return the number of added prompts that are held back because of secrets.
        """
        self._batch.write()
        self._index.finish()
        self._execute(_SET_MESSAGE, (message, self._outbox_pk))
        for (pk,) in self._execute("SELECT prompt_pk FROM temp.touched").fetchall():
            self._rewrite_file(pk)
        drafts = self._execute(_DRAFTS).fetchall()
        for offset, (created_at, note, path, head, version_pk) in enumerate(drafts):
            outbox_pk = self._first_outbox_pk + offset
            self._insert_commit(outbox_pk, note, from_text(created_at))
            self._execute(outbox.INSERT_FILE, (outbox_pk, path, head, version_pk))
        if not self._execute(_ANY_FILE, (self._outbox_pk,)).fetchone():
            self._execute("DELETE FROM outbox WHERE pk = ?", (self._outbox_pk,))
        held_back = self._execute(_COUNT_HELD_BACK, (self._last_prompt_pk,))
        return int(held_back.fetchone()[0])

    def _rewrite_file(self, pk: int) -> None:
        """Write the file of a prompt again, because its front matter changed."""
        if pk > self._last_prompt_pk:
            self._execute(_DROP_FILE, (self._file_pk(pk),))
        (version_pk,) = self._execute(_CURRENT_PK, (pk,)).fetchone()
        path = history_path(self._read(pk))
        self._execute(outbox.INSERT_FILE, (self._outbox_pk, path, None, version_pk))


def _digest(version: ImportedVersion) -> bytes:
    return version.scan.digest if version.scan else digest(version.content.body)


def _random_ids() -> Iterator[str]:
    """Yield random UUIDs (version 4), with one system call for 256 of them."""
    while True:
        pool = os.urandom(16 * 256).hex()
        for at in range(0, len(pool), 32):
            h = pool[at : at + 32]
            variant = "89ab"[int(h[16], 16) & 3]
            yield f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{variant}{h[17:20]}-{h[20:]}"
