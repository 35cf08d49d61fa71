"""The ledger of imports: what each one brought, and taking it back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvault.domain.timestamp import from_text, to_text
from promptvault.errors import ConflictError, NotFoundError
from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.imports.undo import Withdrawn, withdraw
from promptvault.vault.reader import Reader

_ENTRY = "SELECT pk, created_at, undone_at, paths, options, report FROM imports"
LAST = "last"


@dataclass(frozen=True, slots=True)
class Entry:
    """One import."""

    id: int
    created_at: datetime
    undone_at: datetime | None
    paths: tuple[str, ...]
    options: dict[str, Any]
    report: dict[str, Any]


def entries(reader: Reader) -> Iterator[Entry]:
    """Yield every import, newest first."""
    yield from map(_entry, reader.rows(f"{_ENTRY} ORDER BY pk DESC"))


def entry(reader: Reader, key: str) -> Entry:
    """Return the import with this number, or the 'last' one not undone.

    Raises NotFoundError.
    """
    where = "undone_at IS NULL" if key == LAST else "pk = ?"
    sql = f"{_ENTRY} WHERE {where} ORDER BY pk DESC LIMIT 1"
    for row in reader.rows(sql, *([] if key == LAST else [key])):
        return _entry(row)
    raise NotFoundError(f"There is no import {key}; 'imports list' lists them.")


def brought(reader: Reader, found: Entry) -> list[str]:
    """Return the names of the prompts that an import brought and that still live."""
    sql = """SELECT name FROM prompts WHERE import_pk = ? AND deleted_at IS NULL
        ORDER BY name"""
    return [row[0] for row in reader.rows(sql, found.id)]


def files(reader: Reader, found: Entry) -> list[dict[str, Any]]:
    """Return the files that an import read, as they were then, and what was in each."""
    columns = ("path", "size", "source", "conversations", "found")
    sql = f"""SELECT {", ".join(columns)} FROM import_files WHERE import_pk = ?
        ORDER BY path, source"""
    return [dict(zip(columns, row, strict=True)) for row in reader.rows(sql, found.id)]


def _entry(row: tuple[Any, ...]) -> Entry:
    pk, created_at, undone_at, paths, options, report = row
    return Entry(
        pk,
        from_text(created_at),
        from_text(undone_at) if undone_at else None,
        tuple(json.loads(paths)),
        json.loads(options),
        json.loads(report),
    )


def undo(workspace: Workspace, key: str) -> tuple[Entry, Withdrawn]:
    """Take back what an import brought, but for prompts changed since.

    Raises NotFoundError; ConflictError when it was undone before.
    """
    with locked(workspace) as writer:
        with bulk_transaction(writer.connection):
            found = entry(Reader(writer.connection), key)
            if found.undone_at:
                raise ConflictError(f"Import {found.id} was undone before.")
            result = withdraw(
                writer.connection,
                found.id,
                to_text(found.created_at),
                workspace.author(),
                workspace.now(),
            )
        writer.flush()
    return found, result
