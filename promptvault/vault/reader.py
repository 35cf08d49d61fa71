"""Reading the vault through stdlib sqlite3: quick to start, never writes."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from promptvault.domain.prompt import (
    Author,
    Content,
    Origin,
    Prompt,
    PromptRecord,
    Version,
)
from promptvault.domain.revision import Revision
from promptvault.domain.timestamp import from_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import NotFoundError
from promptvault.secret_scan import details_text, types_in
from promptvault.vault import lookup
from promptvault.vault.database import StrPath, open_read_only, translated_errors

PROMPT_QUERY = """
    SELECT p.pk, p.id, p.name, p.title, p.description, p.tags, p.favourite,
        v.template, p.source, v.number,
        (SELECT json_group_object(l.name, n.number) FROM labels l
            JOIN versions n ON n.pk = l.version_pk WHERE l.prompt_pk = p.pk),
        p.created_at, p.updated_at, p.deleted_at, u.used_at, u.uses,
        v.secrets, p.secrets_allowed, v.id,
        (SELECT count(*) FROM versions n WHERE n.prompt_pk = p.pk),
        EXISTS (SELECT 1 FROM sync_sides s WHERE s.item = p.id),
        (SELECT hold FROM sync_items i WHERE i.item = p.id)
    FROM prompts p
    JOIN versions v ON v.pk = p.version_pk
    LEFT JOIN usage.uses u ON u.prompt_id = p.id
"""
_VERSION = """
    SELECT id, number, body, template, variables, message,
        author_name, author_email, created_at, commit_id
    FROM versions v
"""
_OF_PROMPT = "prompt_pk = (SELECT pk FROM prompts WHERE id = ?)"
_ORIGIN = """
    SELECT source, conversation_id, conversation_title, message_id, model,
        created_at, url
    FROM origins
"""


class Sort(StrEnum):
    """The order of a list of prompts."""

    NAME = "name"
    UPDATED = "updated"
    USED = "used"


_ORDERS = {
    Sort.NAME: "p.name",
    Sort.UPDATED: "p.updated_at DESC, p.name",
    Sort.USED: "u.used_at DESC NULLS LAST, p.name",
}


class Selection(NamedTuple):
    """Which prompts a command is about; every field that is set must hold."""

    folder: str | None = None
    tags: tuple[str, ...] = ()
    source: str | None = None
    favourite: bool = False
    trashed: bool = False
    names: tuple[str, ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """Return the SQL condition over ``prompts p`` and its parameters."""
        conditions = [f"p.deleted_at IS {'NOT ' if self.trashed else ''}NULL"]
        parameters: list[Any] = []
        if self.folder:
            folder = self.folder.strip("/")
            conditions.append("p.name >= ? AND p.name < ?")
            parameters += [f"{folder}/", f"{folder}0"]  # '0' follows '/'
        for tag in self.tags:
            conditions.append(
                "EXISTS (SELECT 1 FROM json_each(p.tags) WHERE value = ?)"
            )
            parameters.append(tag)
        if self.source:
            conditions.append("p.source = ?")
            parameters.append(self.source)
        if self.favourite:
            conditions.append("p.favourite")
        if self.names:
            conditions.append("p.name IN (SELECT value FROM json_each(?))")
            parameters.append(json.dumps(self.names))
        return " AND ".join(conditions), parameters


@contextlib.contextmanager
def reading(
    database: StrPath, usage: StrPath, open_other: "OpenOther | None" = None
) -> Iterator["Reader"]:
    """Open the vault for reading; raises VaultError."""
    connection = open_read_only(database, usage)
    with contextlib.closing(connection):
        yield Reader(connection, open_other)


OpenOther = Callable[[str], contextlib.AbstractContextManager["Reader"]]
"""Opens the vault with the given name; raises NotFoundError."""


class Reader:
    """What can be asked of an open vault. Every method may raise VaultError."""

    def __init__(
        self, connection: sqlite3.Connection, open_other: "OpenOther | None" = None
    ) -> None:
        self._connection = connection
        self._open_other = open_other

    @property
    def connection(self) -> sqlite3.Connection:
        """The vault itself, for what is read or written beside the prompts."""
        return self._connection

    def other(self, vault: str) -> contextlib.AbstractContextManager["Reader"]:
        """Open another vault of this device; raises NotFoundError."""
        if self._open_other is None:
            raise NotFoundError(f"The vault {vault!r} cannot be read here.")
        return self._open_other(vault)

    def find(self, name: str) -> Prompt | None:
        """Return the prompt called *name*, or None."""
        rows = self.rows(
            f"{PROMPT_QUERY} WHERE p.name = ? AND p.deleted_at IS NULL", name
        )
        return next(map(to_prompt, rows), None)

    def get(self, name: str) -> Prompt:
        """Return the prompt called *name*, or the only one whose last part it is.

        Raises NotFoundError, with the nearest names.
        """
        with translated_errors():
            pk, _ = lookup.find_prompt(self._connection, name)
        for row in self.rows(f"{PROMPT_QUERY} WHERE p.pk = ?", pk):
            return to_prompt(row)
        raise NotFoundError(f"There is no prompt {name!r}.")

    def by_id(self, prompt_id: str) -> Prompt:
        """Return the prompt with this id, in the trash or not; raises NotFoundError."""
        for row in self.rows(f"{PROMPT_QUERY} WHERE p.id = ?", prompt_id):
            return to_prompt(row)
        raise NotFoundError(f"There is no prompt with the id {prompt_id!r}.")

    def by_version(self, version_pk: int) -> tuple[Prompt, Version]:
        """Return a version by its key, and the prompt that it belongs to."""
        where = "p.pk = (SELECT prompt_pk FROM versions WHERE pk = ?)"
        prompt = next(self.rows(f"{PROMPT_QUERY} WHERE {where}", version_pk))
        version = next(self.rows(f"{_VERSION} WHERE pk = ?", version_pk))
        return to_prompt(prompt), to_version(version)

    def prompts(
        self, selection: Selection, sort: Sort = Sort.NAME, limit: int | None = None
    ) -> Iterator[Prompt]:
        """Yield the selected prompts in the order *sort*."""
        where, parameters = selection.where()
        sql = f"{PROMPT_QUERY} WHERE {where} ORDER BY {_ORDERS[sort]} LIMIT ?"
        yield from map(
            to_prompt, self.rows(sql, *parameters, -1 if limit is None else limit)
        )

    def names(self, selection: Selection, limit: int | None = None) -> Iterator[str]:
        """Yield the selected names alone, in order."""
        where, parameters = selection.where()
        sql = f"SELECT p.name FROM prompts p WHERE {where} ORDER BY p.name LIMIT ?"
        rows = self.rows(sql, *parameters, -1 if limit is None else limit)
        yield from (row[0] for row in rows)

    def count(self, selection: Selection) -> int:
        """Return how many prompts are selected."""
        where, parameters = selection.where()
        sql = f"SELECT count(*) FROM prompts p WHERE {where}"
        return int(next(self.rows(sql, *parameters))[0])

    def trashed(self, name_or_id: str) -> Prompt:
        """Return the prompt last put into the trash under this name, or by its id.

        Raises NotFoundError.
        """
        sql = f"""{PROMPT_QUERY} WHERE p.deleted_at IS NOT NULL
            AND (p.name = ? OR p.id = ?) ORDER BY p.deleted_at DESC LIMIT 1"""
        for row in self.rows(sql, name_or_id, name_or_id):
            return to_prompt(row)
        raise NotFoundError(f"There is no {name_or_id!r} in the trash.")

    def current(self, prompt: Prompt) -> Version:
        """Return the version that `get` prints; raises NotFoundError."""
        # By its id: a sync may give it another number meanwhile.
        return self._version(prompt, "id = ?", prompt.version_id)

    def version(self, prompt: Prompt, revision: Revision) -> Version:
        """Return one version of *prompt*; raises NotFoundError."""
        sql = "SELECT pk FROM prompts WHERE id = ?"
        for (pk,) in self.rows(sql, prompt.id):
            with translated_errors():
                found = lookup.find_version(self._connection, pk, revision)
            return self._version(prompt, "pk = ?", found)
        raise _gone(prompt)

    def _version(self, prompt: Prompt, condition: str, key: object) -> Version:
        found = self._versions(f"{_OF_PROMPT} AND {condition}", prompt.id, key)
        for version in found:
            return version
        raise _gone(prompt)

    def version_before(self, prompt: Prompt, version: Version) -> Version:
        """Return the version before *version*; of the first one, itself."""
        before = f"{_OF_PROMPT} AND number < ? ORDER BY number DESC"
        return next(self._versions(before, prompt.id, version.number), version)

    def versions(self, prompt: Prompt) -> Iterator[Version]:
        """Yield every version of *prompt*, oldest first."""
        yield from self._versions(f"{_OF_PROMPT} ORDER BY number", prompt.id)

    def _versions(self, condition: str, *parameters: object) -> Iterator[Version]:
        return map(to_version, self.rows(f"{_VERSION} WHERE {condition}", *parameters))

    def origins(self, prompt: Prompt) -> tuple[Origin, ...]:
        """Return where *prompt* was found, in the order it was found."""
        sql = f"{_ORIGIN} WHERE {_OF_PROMPT} ORDER BY pk"
        return tuple(map(to_origin, self.rows(sql, prompt.id)))

    def record(self, prompt: Prompt) -> PromptRecord:
        """Return *prompt* whole."""
        return PromptRecord(prompt, tuple(self.versions(prompt)), self.origins(prompt))

    def names_in_conflict(self) -> list[str]:
        """Return the names of prompts with something beside them, in order."""
        sql = """SELECT name FROM prompts WHERE deleted_at IS NULL
            AND id IN (SELECT item FROM sync_sides) ORDER BY name"""
        return [row[0] for row in self.rows(sql)]

    def tags(self) -> list[str]:
        """Return every tag in use, in order."""
        sql = """SELECT DISTINCT value FROM prompts, json_each(tags)
            WHERE deleted_at IS NULL ORDER BY value"""
        return [row[0] for row in self.rows(sql)]

    def folders(self) -> list[str]:
        """Return every folder that holds a prompt, in order, parents included."""
        sql = """SELECT DISTINCT substr(name, 1, length(name) - length(leaf) - 1)
            FROM prompts WHERE deleted_at IS NULL AND name != leaf"""
        found: set[str] = set()
        for (folder,) in self.rows(sql):
            parts = folder.split("/")
            found |= {"/".join(parts[: n + 1]) for n in range(len(parts))}
        return sorted(found)

    def labels(self) -> list[str]:
        """Return every label in use, in order."""
        return [row[0] for row in self.rows("SELECT DISTINCT name FROM labels")]

    def rows(self, sql: str, *parameters: object) -> Iterator[Any]:
        """Yield the rows of a query, for the modules of the vault."""
        with translated_errors():
            # Not `yield from`: a reader that stops early would close a closed cursor.
            for row in self._connection.execute(sql, parameters):  # noqa: UP028
                yield row


def to_prompt(row: tuple[Any, ...]) -> Prompt:
    """Build a Prompt from a row of the reader's prompt query."""
    deleted_at, used_at, uses, secrets, allowed, version_id, versions = row[13:20]
    in_conflict, hold = row[20:22]
    tags = tuple(json.loads(row[5]))
    in_details = types_in(details_text(row[2], row[3], row[4], tags))
    return Prompt(
        id=row[1],
        name=row[2],
        title=row[3],
        description=row[4],
        tags=tags,
        favourite=bool(row[6]),
        template=bool(row[7]),
        source=row[8],
        version=row[9],
        labels=json.loads(row[10]),
        created_at=from_text(row[11]),
        updated_at=from_text(row[12]),
        deleted_at=from_text(deleted_at) if deleted_at else None,
        used_at=from_text(used_at) if used_at else None,
        uses=uses or 0,
        secrets=tuple(sorted({*json.loads(secrets), *in_details})),
        secrets_allowed=bool(allowed),
        version_id=version_id,
        versions=versions,
        in_conflict=bool(in_conflict),
        hold=hold,
    )


def _gone(prompt: Prompt) -> NotFoundError:
    """Return the error for a prompt that another process removed meanwhile."""
    return NotFoundError(f"There is no prompt {prompt.name!r} any more.")


def to_version(row: tuple[Any, ...]) -> Version:
    """Build a Version from a row of the reader's version query."""
    return Version(
        id=row[0],
        number=row[1],
        content=Content(
            row[2], bool(row[3]), variables_from_mapping(json.loads(row[4]))
        ),
        message=row[5],
        author=Author(row[6], row[7]),
        created_at=from_text(row[8]),
        commit=row[9],
    )


def to_origin(row: tuple[Any, ...]) -> Origin:
    """Build an Origin from a row of the reader's origin query."""
    source, conversation, title, message, model, created_at, url = row
    time = from_text(created_at) if created_at else None
    return Origin(source, conversation, title, message, model, time, url)
