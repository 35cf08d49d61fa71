"""A database that tests use in turn, emptied after each: creating one takes longer."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg

_SCHEMA = """
SELECT version_num, md5(string_agg(part, ',' ORDER BY part))
FROM alembic_version, (
    SELECT (c.relname, c.relkind, c.relpersistence, c.relacl)::text
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT (c.relname, a.attname, a.atttypid, a.attnotnull)::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT (t.tgname, t.tgenabled, t.tgrelid::regclass)::text
        FROM pg_trigger t
    UNION ALL SELECT (p.proname, p.prosrc)::text
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL SELECT (s.setdatabase, s.setrole, s.setconfig)::text
        FROM pg_db_role_setting s
) AS parts (part)
GROUP BY version_num
"""
"""Rows that differ if a test has changed the schema."""

_END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_SIZE = "SELECT pg_database_size(current_database())"

_EMPTY = """
DO $$
DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica;  -- no trigger, no foreign key
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        AND c.relname <> 'alembic_version'
    LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
END $$
"""

_MOST_BYTES = 40_000_000
"""A larger database is dropped instead of emptied: deleted rows stay in it."""

Make = Callable[[], AbstractContextManager[str]]
"""Creates a database and drops it; yields its address."""


class ReusedDatabase:
    """Lends a database to one test after another."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._owned = contextlib.ExitStack()
        self._address: str | None = None
        self._schema: object = None

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """Yield the address of a database whose tables are empty."""
        if self._address is None:
            self._address = self._owned.enter_context(self._make())
            with psycopg.connect(self._address) as connection:
                self._schema = connection.execute(_SCHEMA).fetchall()
        try:
            yield self._address
        finally:
            if not self._is_emptied(self._address):
                self.drop()

    def drop(self) -> None:
        """Drop the database; the next test gets a new one."""
        self._address = None
        self._owned.close()

    def _is_emptied(self, address: str) -> bool:
        try:
            with psycopg.connect(address) as connection:
                connection.execute(_END_OTHERS)
                row = connection.execute(_SIZE).fetchone()
                if row is None or row[0] > _MOST_BYTES:
                    return False
                if connection.execute(_SCHEMA).fetchall() != self._schema:
                    return False
                connection.execute(_EMPTY)
        except psycopg.Error:
            return False
        return True
