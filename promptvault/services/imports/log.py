"""The log of imports: what each one read and added, and how to undo it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from promptvault.domain.timestamp import from_text, to_text
from promptvault.errors import ConflictError, NotFoundError
from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.imports.undo import UndoResult, undo_import
from promptvault.vault.reader import Reader
from promptvault.vault.sync.team import require_editor

if TYPE_CHECKING:
    from promptvault.services.imports.report import ImportOptions, ImportReport

_SELECT = "SELECT pk, created_at, undone_at, paths, options, report FROM imports"
_INSERT = """INSERT INTO imports (created_at, paths, options, report)
    VALUES (?, ?, ?, '{}')"""
LAST = "last"


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One import, as the log has it."""

    id: int
    created_at: datetime
    undone_at: datetime | None
    """None unless the import was undone."""
    paths: tuple[str, ...]
    """The arguments of the command: absolute paths, or '-' for standard input."""
    options: dict[str, Any]
    """`ImportOptions.as_row`."""
    report: dict[str, Any]
    """`ImportReport.as_row`."""


def read_imports(reader: Reader) -> Iterator[ImportRecord]:
    """Yield every import, newest first."""
    yield from map(_record, reader.rows(f"{_SELECT} ORDER BY pk DESC"))


def find_import(reader: Reader, key: str) -> ImportRecord:
    """Return the import with the number *key*; 'last' is the last one not undone.

    Raises NotFoundError.
    """
    where = "undone_at IS NULL" if key == LAST else "pk = ?"
    sql = f"{_SELECT} WHERE {where} ORDER BY pk DESC LIMIT 1"
    for row in reader.rows(sql, *([] if key == LAST else [key])):
        return _record(row)
    raise NotFoundError(f"There is no import {key}; 'imports list' lists them.")


def imported_names(reader: Reader, record: ImportRecord) -> list[str]:
    """Return the names of the prompts that an import added and that are not deleted."""
    sql = """SELECT name FROM prompts WHERE import_pk = ? AND deleted_at IS NULL
        ORDER BY name"""
    return [row[0] for row in reader.rows(sql, record.id)]


def imported_files(reader: Reader, record: ImportRecord) -> list[dict[str, Any]]:
    """Return the files that an import read: path, size in bytes, source, counts.

    A file with prompts of several sources has one row for each.
    """
    columns = ("path", "size", "source", "conversations", "found")
    sql = f"""SELECT {", ".join(columns)} FROM import_files WHERE import_pk = ?
        ORDER BY path, source"""
    rows = reader.rows(sql, record.id)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def insert_record(
    connection: sqlite3.Connection,
    start: datetime,
    paths: Sequence[str],
    options: "ImportOptions",
) -> int:
    """Add an import to the log, without a report, and return its number."""
    row = (to_text(start), json.dumps(list(paths)), json.dumps(options.as_row()))
    return int(connection.execute(_INSERT, row).lastrowid or 0)


def write_report(connection: sqlite3.Connection, report: "ImportReport") -> None:
    """Add *report* to the record of its import."""
    row = (json.dumps(report.as_row()), report.id)
    connection.execute("UPDATE imports SET report = ? WHERE pk = ?", row)


def undo(workspace: Workspace, key: str) -> tuple[ImportRecord, UndoResult]:
    """Remove what an import added, except prompts that changed since.

    Raises NotFoundError; ConflictError if the import was already undone;
    PermissionDeniedError if the user may only read the vault.
    """
    with locked(workspace) as writer:
        require_editor(writer.connection)
        with bulk_transaction(writer.connection):
            record = find_import(Reader(writer.connection), key)
            if record.undone_at:
                raise ConflictError(f"Import {record.id} was undone before.")
            result = undo_import(
                writer.connection,
                record.id,
                to_text(record.created_at),
                workspace.author(),
                workspace.now(),
            )
        writer.flush()
    return record, result


def _record(row: tuple[Any, ...]) -> ImportRecord:
    pk, created_at, undone_at, paths, options, report = row
    return ImportRecord(
        pk,
        from_text(created_at),
        from_text(undone_at) if undone_at else None,
        tuple(json.loads(paths)),
        json.loads(options),
        json.loads(report),
    )
