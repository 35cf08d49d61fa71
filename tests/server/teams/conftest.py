"""People with teams, and a look into the database."""

from collections.abc import Iterator

import psycopg
import pytest

from promptvault.server.admin import Admin
from tests.server.conftest import Server
from tests.server.teams.people import Connection, People


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """Return a connection that commits each statement."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def people(server: Server, admin: Admin, connection: Connection) -> People:
    """Return a function that creates users on this test's server."""
    return People(server, admin, connection)
