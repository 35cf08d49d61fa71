"""SQLModel sessions over an open vault."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from promptvault.vault.database import translated_errors


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[Session]:
    """Run the block as one transaction that takes the write lock at its start.

    Raises VaultError for what SQLite refuses; nothing is saved then.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: connection,
        poolclass=StaticPool,
        json_serializer=_to_json,  # as it is spelt: the search index reads it, too
    )
    event.listen(engine, "begin", _begin)
    with _translated_errors(), Session(engine) as session, session.begin():
        yield session


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    with translated_errors():
        try:
            yield
        except DBAPIError as error:
            raise error.orig or error from error
