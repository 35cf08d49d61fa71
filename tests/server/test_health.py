"""Health checks and metrics."""

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from promptvault.private_file import write_private
from promptvault.server.postgres import migration
from promptvault.server.postgres.embedded import Cluster
from promptvault.server.settings import Settings
from tests.server.conftest import SECRET, Server


def test_a_server_is_ready(visitor: httpx.Client) -> None:
    assert visitor.get("/healthz").json() == {"status": "ok"}
    assert visitor.get("/readyz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alembic_version SET version_num = 'later'",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
    ],
)
def test_with_another_schema_it_lives_but_is_not_ready(
    visitor: httpx.Client, database_url: str, change: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(change)
    assert visitor.get("/healthz").status_code == 200
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"


def test_a_database_goes_and_comes_back(tmp_path: Path) -> None:
    write_private(tmp_path / "password", "tell-nobody")
    cluster = Cluster(tmp_path)
    cluster.start()
    try:
        migration.upgrade(cluster.address())
        address = SecretStr(cluster.address())
        settings = Settings(
            database_url=address, secret=SecretStr(SECRET), pool_timeout=2
        )
        server = Server(settings)
        server.start()
        with server.client() as client:
            assert client.get("/readyz").status_code == 200
            cluster.stop()
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert "tell-nobody" not in answer.text
            assert client.get("/healthz").status_code == 200
            cluster.start()
            while client.get("/readyz").status_code != 200:
                pass  # the pool notices it at the next attempt
        server.stop()
    finally:
        cluster.stop()


def test_a_server_counts(client: httpx.Client) -> None:
    for _ in range(3):
        client.get("/v1/me")
    text = client.get("/metrics").text
    (line,) = [each for each in text.splitlines() if 'route="me",status="200"' in each][
        :1
    ]
    assert line.startswith('promptvault_requests_total{method="GET",route="me"')
    assert float(line.rpartition(" ")[2]) >= 3


def test_metrics_ask_for_their_token(start_server: Callable[..., Server]) -> None:
    server = start_server(metrics_token=SecretStr("for-prometheus"))
    with server.client() as client:
        assert client.get("/metrics").status_code == 401
    with server.client("for-prometheus") as client:
        assert client.get("/metrics").status_code == 200
