"""Caps hold at every moment, with parallel requests and killed processes."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.ai import overdue
from promptvault.server.database import Database
from promptvault.server.job.work import Work
from promptvault.server.settings import Settings
from tests.model_server import Body, Cut, ModelServer, Reply, Status, Text
from tests.server.ai.conftest import (
    PATH,
    PRICE,
    UPSTREAM_KEY,
    UPSTREAM_MODEL,
    Asker,
    Connection,
    body,
    hosted,
)
from tests.server.conftest import EMAIL, SECRET, Server, ServerProcess

PEOPLE, REQUESTS = 5, 10
CAP, INSTANCE_CAP = 0.0015, 0.006
"""US dollars. A request of the simulation reserves about 0.0003."""

_WATCH = """
CREATE TABLE moments (what text, amount bigint);
CREATE FUNCTION note_moment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moments VALUES (TG_TABLE_NAME, new.spent + new.reserved);
    RETURN NULL;
END $$;
CREATE TRIGGER watch AFTER INSERT OR UPDATE ON ai_months
   FOR EACH ROW EXECUTE FUNCTION note_moment();
CREATE TRIGGER watch AFTER INSERT OR UPDATE ON ai_instance_months
   FOR EACH ROW EXECUTE FUNCTION note_moment();
"""
"""Notes each state of a sum. Those that are rolled back have never been."""


def _most(connection: Connection, table: str) -> float:
    """Return the most that was spent and reserved at any moment, in US dollars."""
    found = connection.execute(
        "SELECT max(amount), count(*) FROM moments WHERE what = %s", (table,)
    )
    ((most, moments),) = found.fetchall()
    assert moments > 10
    return int(most) / 1_000_000


@pytest.fixture
def settle_overdue(settings: Settings) -> Callable[[], None]:
    """Return a function that does the job for what killed processes left."""

    async def run() -> None:
        database = Database(settings)
        await database.open()
        async with database.transaction() as connection:
            await overdue.settle_overdue(
                Work(uuid4(), {}, connection, database, settings)
            )
        await database.close()

    return lambda: asyncio.run(run())


@pytest.fixture
def tokens(admin: Admin) -> list[str]:
    """Return a token for each person. All of them are on Pro."""
    emails = [f"person-{number}@example.org" for number in range(PEOPLE)]
    for email in emails:
        admin.add_user(email, Tier.PRO)
    return [admin.issue_token(email, "test") for email in emails]


@pytest.fixture
def second(
    model: ModelServer,
    database_url: str,
    server_process: Callable[..., ServerProcess],
    monkeypatch: pytest.MonkeyPatch,
) -> ServerProcess:
    """Return a server of its own process, on the same database."""
    for name, value in {
        "SECRET": SECRET,
        "AI_BASE_URL": model.url,
        "AI_API_KEY": UPSTREAM_KEY,
        "AI_MODEL": UPSTREAM_MODEL,
        "AI_PRICE_INPUT": str(PRICE[0]),
        "AI_PRICE_OUTPUT": str(PRICE[1]),
        "AI_CAP_PRO": str(CAP),
        "AI_CAP_INSTANCE": str(INSTANCE_CAP),
        "JOBS": "off",
    }.items():
        monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)
    return server_process("--database-url", database_url)


def _answering(seed: int) -> Callable[[Body], Reply]:
    """Return what the model does: the same for the same text."""

    def answer(asked: Body) -> Reply:
        draw = random.Random(f"{seed}:{asked['messages'][0]['content']}")
        usage = draw.choice([None, (30, 20), (90, 90), (10_000, 10_000)])
        pieces = ["some ", "words "] * draw.randint(1, 4)
        whole = Text("", pieces, usage, delay=draw.random() / 5, pause=0.01)
        replies: list[Reply] = [whole, whole, whole, Status(500), Cut(["one "])]
        return draw.choice(replies)

    return answer


class Storm:
    """Many requests at once to two servers, one of which is killed."""

    def __init__(self, seed: int, urls: tuple[str, str], tokens: list[str]) -> None:
        self._draw = random.Random(seed)
        self._urls, self._tokens = urls, tokens
        self.statuses: list[int] = []

    async def run(self, kill: Callable[[], None]) -> None:
        """Send all requests; *kill* the second server when some are answered."""
        numbers = range(PEOPLE * REQUESTS)
        async with httpx.AsyncClient(timeout=60, verify=False) as client:
            tasks = [asyncio.create_task(self._send(client, n)) for n in numbers]
            while len(self.statuses) < 15:
                await asyncio.sleep(0.01)
            kill()
            await asyncio.gather(*tasks)

    async def _send(self, client: httpx.AsyncClient, number: int) -> None:
        headers = {
            "Authorization": f"Bearer {self._tokens[number % PEOPLE]}",
            "PV-Task": self._draw.choice(["optimize", "suggest"]),
            "Idempotency-Key": str(self._draw.randint(0, 30)),
        }
        sent = body(f"text {number}", stream=self._draw.random() < 0.5)
        is_lost = self._draw.random() < 0.2
        try:
            url = self._urls[number % 2] + PATH
            async with client.stream("POST", url, json=sent, headers=headers) as answer:
                self.statuses.append(answer.status_code)
                async for _ in answer.aiter_bytes():
                    if is_lost:
                        break
        except httpx.HTTPError:  # its server is killed
            self.statuses.append(0)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
)
def test_what_is_spent_and_reserved_never_exceeds_a_cap(
    seed: int,
    start_server: Callable[..., Server],
    second: ServerProcess,
    model: ModelServer,
    tokens: list[str],
    connection: Connection,
    settle_overdue: Callable[[], None],
) -> None:
    caps = {"ai_cap_pro": CAP, "ai_cap_instance": INSTANCE_CAP}
    first = start_server(**hosted(model, **caps), jobs="off")
    connection.execute(_WATCH)
    model.answer = _answering(seed)
    storm = Storm(seed, (first.url, second.url), tokens)
    asyncio.run(storm.run(lambda: os.kill(second.process.pid, signal.SIGKILL)))
    first.stop()
    assert {200, 0} < {*storm.statuses}
    connection.execute("UPDATE ai_requests SET created_at = now() - interval '1 hour'")
    settle_overdue()
    assert 0 < _most(connection, "ai_months") <= CAP
    assert 0 < _most(connection, "ai_instance_months") <= INSTANCE_CAP
    assert _books(connection) == [(0, 0, 0, True)]


def _books(connection: Connection) -> list[Any]:
    """Return what is still open, and whether all sums are those of the requests."""
    return connection.execute(
        """
        SELECT sum(m.reserved)::int, sum(m.open)::int,
               (SELECT count(*)::int FROM ai_requests WHERE state = 'open'),
               sum(m.spent) = (SELECT sum(cost) FROM ai_requests)
               AND sum(m.spent) = (SELECT sum(spent) FROM ai_instance_months)
          FROM ai_months m
        """
    ).fetchall()


@pytest.fixture
def last_cent(asker: Asker, connection: Connection) -> Asker:
    """Leave an account as much as one request can cost."""
    asker.ask()
    connection.execute(
        "UPDATE ai_months SET spent = 5000000 - (SELECT max(reserved) FROM ai_requests)"
    )
    return asker


def test_two_processes_at_the_last_cent(
    last_cent: Asker,
    start_server: Callable[..., Server],
    model: ModelServer,
    server: Server,
    token: str,
    connection: Connection,
) -> None:
    model.answer = lambda _: Text("Hello.", usage=None, delay=0.3)
    other = start_server(**hosted(model))

    async def both() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {token}", "PV-Task": "optimize"}
        async with httpx.AsyncClient(headers=headers, timeout=60) as client:
            sent = [
                client.post(each.url + PATH, json=body())
                for each in (server, other) * 3
            ]
            return await asyncio.gather(*sent)

    answers = asyncio.run(both())
    assert sorted(each.status_code for each in answers) == [200, *[429] * 5]
    ((spent, reserved),) = connection.execute(
        "SELECT spent, reserved FROM ai_months"
    ).fetchall()
    assert (spent, reserved) == (5_000_000, 0)


def test_beyond_the_cap_until_the_next_month(
    last_cent: Asker, model: ModelServer
) -> None:
    model.answer = lambda _: Text("Hello.", usage=None)
    assert last_cent.ask().status_code == 200
    answer = last_cent.ask()
    assert answer.status_code == 429
    assert "your own key has no limit" in answer.text
    assert int(answer.headers["Retry-After"]) > 60
    assert last_cent.usage()["spent_usd"] == 5


def test_the_cap_of_the_instance(
    start_server: Callable[..., Server],
    model: ModelServer,
    tokens: list[str],
    connection: Connection,
) -> None:
    server = start_server(**hosted(model, ai_cap_instance=0.0004))
    model.answer = lambda _: Text("Hello.", usage=None)
    answers = []
    for each in tokens[:2]:
        with server.client(each) as client:
            answers.append(Asker(client).ask())
    assert [each.status_code for each in answers] == [200, 429]
    assert "used up for this month" in answers[1].text
    assert _books(connection) == [(0, 0, 0, True)]


@pytest.mark.parametrize("running", ["open = 4", "reserved = 5000000 - spent"])
def test_while_requests_of_other_processes_run(
    asker: Asker, connection: Connection, running: str
) -> None:
    asker.ask()
    connection.execute(f"UPDATE ai_months SET {running}".encode())
    answer = asker.ask()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) < 60


def test_a_plan_that_ends_while_a_request_waits(
    asker: Asker, admin: Admin, model: ModelServer, connection: Connection
) -> None:
    connection.execute(
        "CREATE FUNCTION downgrade() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN UPDATE accounts SET plan = 'free'; RETURN NULL; END $$;"
        " CREATE TRIGGER late AFTER INSERT ON rate_limits FOR EACH ROW"
        " WHEN (new.key LIKE 'ai:%') EXECUTE FUNCTION downgrade()"
    )
    assert asker.ask().status_code == 503
    assert asker.ask().status_code == 402
    assert model.requests == []


def test_what_an_erased_account_had_reserved(
    asker: Asker, admin: Admin, connection: Connection
) -> None:
    asker.ask()
    connection.execute(
        "UPDATE ai_requests SET state = 'open', reserved = 9, cost = 0;"
        "UPDATE ai_months SET reserved = 9, spent = 0, open = 1;"
        "UPDATE ai_instance_months SET reserved = 9, spent = 0"
    )
    admin.erase(EMAIL)
    left = connection.execute("SELECT reserved, spent FROM ai_instance_months")
    assert left.fetchall() == [(0, 9)]
    for table in ("ai_requests", "ai_months", "ai_answers"):
        query = f"SELECT 1 FROM {table}".encode()
        assert connection.execute(query).fetchall() == []
