"""Which database a command works on, and the settings that go with it."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr, ValidationError

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.database import connection_failure
from promptvault.server.postgres import embedded, migration
from promptvault.server.postgres.cluster import Cluster
from promptvault.server.settings import Settings

_SECRET_BYTES = 48


class Ground(NamedTuple):
    """What a server stands on."""

    settings: Settings
    wait_for_end: Callable[[], None] | None
    """Returns when the database has ended; None for one that is not ours."""


@contextlib.contextmanager
def serving(url: str | None, folder: Path) -> Iterator[Ground]:
    """Yield what to serve on: the database given, or the one in *folder*.

    A database that was given must have the schema of this program: migrating it is a
    step of its own. Raises InvalidInputError, UnavailableError, ConflictError.
    """
    settings, wait_for_end = read(url), None
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.owned(folder))
            settings = _with(settings, database_url=address)
            settings = settings.model_copy(update={"purge_daily": True})
            wait_for_end = Cluster(folder).wait_for_end
        with _permitted("use its tables"):
            migration.refuse_outdated(settings.address)
            settings = with_secret(settings)
        yield Ground(settings, wait_for_end)


@contextlib.contextmanager
def administering(url: str | None, folder: Path) -> Iterator[Settings]:
    """Yield settings for a command beside a server, which may run or not."""
    settings = read(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.borrowed(folder))
            settings = _with(settings, database_url=address)
        stack.enter_context(_permitted("use its tables"))
        migration.refuse_outdated(settings.address)
        yield with_address(with_secret(settings))


def migrate(url: str | None, folder: Path) -> str | None:
    """Bring the schema up to date, and return the revision it now is."""
    settings = read(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.borrowed(folder))
            settings = _with(settings, database_url=address)
        stack.enter_context(_permitted("change its schema"))
        migration.upgrade(settings.address)
        return migration.current(settings.address)


@contextlib.contextmanager
def _permitted(task: str) -> Iterator[None]:
    """Explain that the database's user has no right to do *task*."""
    refusal = UnavailableError(
        f"The database's user may not {task}: grant it that, or give the address with"
        " a user who may."
    )
    try:
        yield
    except InsufficientPrivilege:
        raise refusal from None
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            raise refusal from None
        raise


def read(url: str | None) -> Settings:
    """Return the settings of the environment, with *url* before its own.

    An empty *url* is none. Raises InvalidInputError, which names a setting but not its
    value.
    """
    given: dict[str, Any] = {"database_url": url} if url else {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_context=False)[0]
        name = str(problem["loc"][0]).upper() if problem["loc"] else "…"
        reason = problem["msg"].removeprefix("Value error, ")
        raise InvalidInputError(
            f"PROMPTVAULT_SERVER_{name} cannot be used: {reason}."
        ) from None
    for address in filter(None, (settings.database_url, settings.listen_url)):
        _require_address(address.get_secret_value())
    return settings


def _require_address(text: str) -> None:
    """Raise InvalidInputError unless the driver understands an address as it is meant.

    An '@' or a '/' in a password ends it early, and what follows is taken for a host, a
    port or a name: to connect would only say that there is no such host.
    """
    reason = "it must be as 'postgresql://USER@HOST/DATABASE'"
    try:
        parts = conninfo_to_dict(text)
        is_plain = not any("@" in str(parts.get(name)) for name in ("host", "dbname"))
    except psycopg.Error:
        is_plain = False
    if is_plain:
        return
    if "@" in text:
        reason += (
            "; percent-encode what a password holds of '@' (%40), '#' (%23), '/' (%2F),"
            " ':' (%3A), '%' (%25) and blanks (%20)"
        )
    raise InvalidInputError(
        f"The database's address cannot be understood: {reason}."
    ) from None


def remember_address(settings: Settings) -> None:
    """Store where the server says it is, for links that commands beside it print."""
    with _permitted("use its tables"), _connected(settings) as connection:
        connection.execute(
            "INSERT INTO server_settings (name, value) VALUES ('address', %s)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (settings.public_url,),
        )


def with_address(settings: Settings) -> Settings:
    """Return settings with the address that the operator has set, or else with the one
    that a server on this database has said last."""
    if "public_url" in settings.model_fields_set:
        return settings
    with _connected(settings) as connection:
        row = connection.execute(
            "SELECT value FROM server_settings WHERE name = 'address'"
        ).fetchone()
    return settings.model_copy(update={"public_url": row[0]}) if row else settings


def with_secret(settings: Settings) -> Settings:
    """Return settings that have a secret: the operator's, or the database's own.

    The first to ask draws it; every instance of the server then uses the same.
    """
    if settings.secret is not None:
        return settings
    with _connected(settings) as connection:
        connection.execute(
            "INSERT INTO server_settings (name, value) VALUES ('secret', %s)"
            " ON CONFLICT DO NOTHING",
            (secrets.token_urlsafe(_SECRET_BYTES),),
        )
        row = connection.execute(
            "SELECT value FROM server_settings WHERE name = 'secret'"
        ).fetchone()
    assert row is not None
    return _with(settings, secret=row[0])


@contextlib.contextmanager
def _connected(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    try:
        opened = psycopg.connect(settings.address, connect_timeout=10)
    except psycopg.Error as error:
        raise connection_failure(error) from None
    with opened as connection:
        yield connection


def _with(settings: Settings, **secret_values: str) -> Settings:
    changes = {name: SecretStr(value) for name, value in secret_values.items()}
    return settings.model_copy(update=changes)
