"""The commits of a sync: older versions first, then the current states."""

import itertools
import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.prompt import Author, Prompt, Version
from promptvault.front_matter import header
from promptvault.vault import outbox
from promptvault.vault.outbox import history_path, path_of
from promptvault.vault.reader import PROMPT_QUERY, Reader, to_prompt, to_version
from promptvault.vault.sync.version import renumber

_PATH_OF = "SELECT id, name, deleted_at FROM prompts WHERE pk = ?"


_EARLIER = "Earlier versions from other devices"
_MANY_DRAFTS = 200


class _Draft(NamedTuple):
    prompt: Prompt
    version: Version
    version_pk: int


@dataclass(slots=True)
class Commit:
    """Changes to write to the history, by the keys of prompts and versions."""

    prompts: dict[int, str | None] = field(default_factory=dict)
    """By prompt whose file changes, its old path; None for a new prompt."""
    removed: list[str] = field(default_factory=list)
    """Paths of prompts that are deleted permanently."""
    drafts: dict[int, list[int]] = field(default_factory=dict)
    """By prompt, the versions that are not current and need a commit of their own."""

    def rewrite(self, connection: sqlite3.Connection, prompt_pk: int) -> None:
        """Add a prompt that is about to change; its path now is the old one."""
        if prompt_pk not in self.prompts:
            row = connection.execute(_PATH_OF, (prompt_pk,)).fetchone()
            self.prompts[prompt_pk] = _path(*row)

    def add(self, prompt_pk: int) -> None:
        """Add a new prompt."""
        self.prompts[prompt_pk] = None

    def remove(self, connection: sqlite3.Connection, prompt_pk: int) -> None:
        """Add a prompt that is about to be deleted permanently."""
        row = connection.execute(_PATH_OF, (prompt_pk,)).fetchone()
        before = self.prompts.pop(prompt_pk, None)
        self.removed.append(before or _path(*row))
        self.drafts.pop(prompt_pk, None)

    def add_draft(self, prompt_pk: int, version_pk: int) -> None:
        """Add a version that is new or has a new number."""
        versions = self.drafts.setdefault(prompt_pk, [])
        if version_pk not in versions:
            versions.append(version_pk)

    def renumber(self, connection: sqlite3.Connection, prompt_pk: int) -> None:
        """Renumber the versions of a prompt, and add those whose number changes."""
        for version_pk in renumber(connection, prompt_pk):
            self.rewrite(connection, prompt_pk)
            self.add_draft(prompt_pk, version_pk)

    def write(
        self,
        connection: sqlite3.Connection,
        author: Author,
        message: str,
        now: datetime,
    ) -> None:
        """Write the commits to the outbox; all changes must be in the tables by now."""
        if not self.prompts and not self.removed:
            return
        _write_drafts(connection, self.drafts, author, now)
        pk = outbox.insert_commit(connection, author, message, now)
        rows = [_row(connection, prompt_pk) for prompt_pk in self.prompts]
        taken = {path for path, _ in rows}
        left = {path for path in self.prompts.values() if path} | {*self.removed}
        gone = [(pk, path, None, None) for path in sorted(left - taken)]
        connection.executemany(outbox.INSERT_FILE, gone)
        files = [(pk, path, None, version_pk) for path, version_pk in rows]
        connection.executemany(outbox.INSERT_FILE, files)


def _path(id_: str, name: str, deleted_at: str | None) -> str:
    return path_of(id_, name, is_deleted=deleted_at is not None)


def _row(connection: sqlite3.Connection, prompt_pk: int) -> tuple[str, int]:
    sql = "SELECT id, name, deleted_at, version_pk FROM prompts WHERE pk = ?"
    *where, version_pk = connection.execute(sql, (prompt_pk,)).fetchone()
    return _path(*where), version_pk


def _write_drafts(
    connection: sqlite3.Connection,
    drafts: dict[int, list[int]],
    author: Author,
    now: datetime,
) -> None:
    """Write commits for versions that are not current, oldest first.

    Up to 200 versions get a commit each, with their own author, message and time. If
    there are more, one commit takes a version of each prompt, because git writes a new
    tree object for a folder with every commit.
    """
    found = {pk: _drafts(connection, pk, pks) for pk, pks in drafts.items()}
    if sum(map(len, found.values())) > _MANY_DRAFTS:
        for batch in itertools.zip_longest(*found.values()):
            key = outbox.insert_commit(connection, author, _EARLIER, now)
            for draft in filter(None, batch):
                _write_draft(connection, key, draft)
        return
    every = [draft for each in found.values() for draft in each]
    for draft in sorted(every, key=lambda each: each.version.created_at):
        version = draft.version
        said = (version.author, version.message, version.created_at)
        _write_draft(connection, outbox.insert_commit(connection, *said), draft)


def _write_draft(connection: sqlite3.Connection, key: int, draft: _Draft) -> None:
    prompt = draft.prompt
    origins = Reader(connection).origins(prompt)
    head = header(prompt._replace(labels={}), draft.version, origins)
    row = (key, history_path(prompt), head, draft.version_pk)
    connection.execute(outbox.INSERT_FILE, row)


def _drafts(
    connection: sqlite3.Connection, prompt_pk: int, version_pks: list[int]
) -> list[_Draft]:
    row = connection.execute(f"{PROMPT_QUERY} WHERE p.pk = ?", (prompt_pk,)).fetchone()
    prompt = to_prompt(row)
    rows = connection.execute(
        """SELECT id, number, body, template, variables, message, author_name,
            author_email, created_at, commit_id, pk, pk =
                (SELECT version_pk FROM prompts WHERE pk = prompt_pk)
        FROM versions WHERE pk IN (SELECT value FROM json_each(?)) ORDER BY number""",
        (json.dumps(version_pks),),
    ).fetchall()
    return [
        _Draft(prompt, to_version(row[:10]), row[10]) for row in rows if not row[11]
    ]
