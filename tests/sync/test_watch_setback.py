"""`sync --watch` while the server loses its last changes and no connection breaks."""

from collections.abc import Callable

import psycopg
import pytest

from tests.server.conftest import Server
from tests.sync.machine import Machine
from tests.sync.test_watch import Watch, watch  # noqa: F401 - a fixture
from tests.sync.waiting import eventually

_SET_BACK = """
DELETE FROM items;
DELETE FROM versions;
DELETE FROM revisions;
UPDATE accounts SET prompt_count = 0;
UPDATE vaults SET head_seq = 0, epoch = gen_random_uuid(), digest = DEFAULT
"""


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """Return a server that checks its vaults often."""
    return start_server(heartbeat_seconds=0.2, look_seconds=0.2)


def test_what_the_server_has_lost_is_sent_again(
    desk: Machine,
    watch: Watch,  # noqa: F811
    database_url: str,
) -> None:
    here = watch(desk)
    for number in range(3):
        desk.ok("add", f"p{number}", "text")
        here.next()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_SET_BACK)
        count = "SELECT count(*) FROM items"
        eventually(lambda: connection.execute(count).fetchone() == (3,))
    assert here.stop()[0] == 130
