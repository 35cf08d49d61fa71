"""People with teams, and a look into the database."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from promptvault.server.admin import Admin
from tests.server.conftest import Server
from tests.server.mail_server import MailServer
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


@pytest.fixture
def mailing(
    start_server: Callable[..., Server],
    admin: Admin,
    connection: Connection,
    mail: MailServer,
) -> People:
    """Return what makes users on a server that sends mail."""
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    server = start_server(**changes, smtp_security="none", mail_from="pv@example.org")
    return People(server, admin, connection)
