"""A device of a simulated user: its prompts, and how it syncs."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from promptvault.services.locking import locked
from promptvault.services.sync.conductor import Exchange, sync_vault
from promptvault.services.sync.rounds import SyncReport, snapshot
from promptvault.services.sync.run import link_vault
from promptvault.vault.database import bulk_transaction
from promptvault.vault.repository import Repository
from promptvault.vault.sync.conflict_copy import (
    ConflictCopy,
    conflict_copies,
    resolve_conflict_copy,
)
from promptvault.vault.sync.item import Hold, release_held
from promptvault.vault.sync.version import version_content
from tests.sync.laptop import Laptop

_TOKEN = re.compile(r"\bw\d+\b")

_PROMPTS = """SELECT p.id, p.name, v.body, p.title, p.description, p.tags,
        EXISTS (SELECT 1 FROM sync_changes c WHERE c.item = p.id)
            OR i.pk IS NULL OR i.local_rev IS NOT i.base_rev,
        i.hold
    FROM prompts p JOIN versions v ON v.pk = p.version_pk
    LEFT JOIN sync_items i ON i.item = p.id
    WHERE (p.deleted_at IS NOT NULL) = ? ORDER BY p.created_at, p.id"""


def tokens_of(*texts: str) -> set[str]:
    """Return the words of *texts* that are written only once in a simulation."""
    return {word for text in texts for word in _TOKEN.findall(text)}


class Local(NamedTuple):
    """A prompt on a device."""

    id: str
    name: str
    body: str
    title: str
    description: str
    tags: str
    is_unsent: bool
    hold: str | None

    @property
    def tokens(self) -> set[str]:
        """Return what a user sees of it."""
        return tokens_of(self.body, self.title, self.description, self.tags)


class Copy(NamedTuple):
    """A conflict copy on a device."""

    copy: ConflictCopy
    body: str

    @property
    def tokens(self) -> set[str]:
        """Return what a user sees of it."""
        state = self.copy.state
        tags = " ".join(state["tags"])
        return tokens_of(self.body, state["title"], state["description"], tags)


@dataclass
class Device(Laptop):
    """A laptop whose contents a test can read."""

    def prompts(self, *, trashed: bool = False) -> list[Local]:
        """Return the prompts, the oldest first."""
        if not self.paths.database.exists():
            return []
        with snapshot(self.workspace) as connection:
            rows = connection.execute(_PROMPTS, (trashed,))
            return [Local(*row) for row in rows]

    def copies(self) -> list[Copy]:
        """Return the conflict copies, in the same order in every run."""
        if not self.paths.database.exists():
            return []
        with snapshot(self.workspace) as connection:
            found = list(_copies(connection))
        return sorted(found, key=lambda each: sorted(each.tokens))

    def tokens(self) -> set[str]:
        """Return all words that a user of this device can see."""
        found = [each.tokens for each in self.prompts()]
        found += [each.tokens for each in self.prompts(trashed=True)]
        found += [each.tokens for each in self.copies()]
        return set[str]().union(*found)

    def unsent(self) -> set[str]:
        """Return the words of changes that the server may not have."""
        found = [each.tokens for each in self.prompts() if each.is_unsent]
        found += [e.tokens for e in self.copies() if e.copy.status != "open"]
        return set[str]().union(*found)

    def known(self) -> set[str]:
        """Return the revisions and the resolutions that this device knows."""
        if not self.paths.database.exists():
            return set()
        with snapshot(self.workspace) as connection:
            rows = connection.execute(
                """SELECT rev FROM sync_revs UNION SELECT side FROM sync_settled
                UNION SELECT side FROM sync_resolves"""
            )
            return {rev for (rev,) in rows}

    def numbers(self) -> dict[str, tuple[str, str | None, int]]:
        """Return the name, the time of deletion and the number of each version."""
        if not self.paths.database.exists():
            return {}
        with snapshot(self.workspace) as connection:
            rows = connection.execute(
                """SELECT v.id, p.name, p.deleted_at, v.number
                FROM versions v JOIN prompts p ON p.pk = v.prompt_pk"""
            )
            return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def replace_by(self, other: "Device") -> None:
        """Replace this device by a copy of *other*, as `cp -r` of its home does."""
        self.clear()
        shutil.copytree(other.home, self.home)

    def clear(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.home, ignore_errors=True)

    def converse(self, vault: str, exchange: Exchange) -> SyncReport:
        """Sync with a vault through *exchange*."""
        link_vault(self.workspace, self.server, lambda: vault)
        return sync_vault(self.workspace, exchange)

    def resolve(self, copy: ConflictCopy, body: str) -> None:
        """Resolve a conflict copy; add a version if *body* is a new text."""
        with (
            locked(self.workspace) as writer,
            bulk_transaction(writer.connection),
        ):
            author, now = self.workspace.author(), self.workspace.now()
            repository = Repository(writer.connection, author, now)
            prompt = repository.reader.by_id(copy.item)
            content = repository.reader.current(prompt).content
            if content.body != body:
                new = content._replace(body=body)
                repository.add_version(prompt, new, "Resolve")
            resolve_conflict_copy(writer.connection, copy)

    def retry(self) -> None:
        """Release the prompts that exceeded the limit."""
        if self.paths.database.exists():
            with locked(self.workspace) as writer, bulk_transaction(writer.connection):
                release_held(writer.connection, Hold.LIMIT)

    def everything_but(self, held: set[str]) -> dict[str, Any]:
        """Return all that must be equal on every device, except the prompts *held*."""
        return {id_: all_ for id_, all_ in self.everything().items() if id_ not in held}

    def held(self) -> set[str]:
        """Return the ids of prompts that are held back."""
        return {each.id for each in self.prompts() if each.hold}


def _copies(connection: sqlite3.Connection) -> Iterator[Copy]:
    for copy in conflict_copies(connection):
        content = version_content(connection, copy.state["version"])
        yield Copy(copy, content["body"] if content else "")
