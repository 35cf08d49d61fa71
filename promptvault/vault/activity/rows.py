"""Rows of the activity database."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from promptvault.vault.activity.database import open_activity, open_activity_to_read


def insert_row(path: Path, table: str, row: Mapping[str, Any]) -> int:
    """Insert *row*, a mapping of columns, and return its key; raises VaultError."""
    marks = ", ".join(f":{column}" for column in row)
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
    with open_activity(path) as connection:
        return int(connection.execute(sql, row).lastrowid or 0)


def read_newest(
    path: Path,
    table: str,
    columns: Sequence[str],
    condition: Mapping[str, str | int],
    limit: int | None = None,
) -> Iterator[list[Any]]:
    """Yield key and *columns* of the rows with the values in *condition*, newest first.

    Yields nothing if the database does not exist yet. Raises VaultError.
    """
    if not path.exists():
        return
    where = " AND ".join([f"{column} = ?" for column in condition] or ["1"])
    sql = f"""SELECT pk, {", ".join(columns)} FROM {table} WHERE {where}
        ORDER BY pk DESC LIMIT ?"""
    parameters = (*condition.values(), -1 if limit is None else limit)
    with open_activity_to_read(path) as connection:
        yield from map(list, connection.execute(sql, parameters))
