"""Two instances of the server on one database, and many devices at each of them."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from promptvault.server.admin import Admin
from tests.server.conftest import EMAIL, Server
from tests.server.sync.conftest import Vault, after, new, set_limit

DEVICES = 8
"""At each instance."""
ROUNDS = 12
LIMIT = 100


class Reader:
    """A device that reads page by page, and keeps what it has read."""

    def __init__(self, client: httpx.Client, vaults: list[str]) -> None:
        self._client = client
        self._cursors: dict[str, dict[str, Any]] = {id: {} for id in vaults}
        self.heads: dict[tuple[str, str], tuple[str, int]] = {}

    def read(self) -> None:
        """Read to the end."""
        vaults = [{"id": id, "cursor": at} for id, at in self._cursors.items()]
        answers = _post(self._client, vaults)
        for answer in answers:
            assert answer["status"] == "ok"
            for each in answer["feed"]:
                seen = self.heads.get((answer["id"], each["item"]), ("", 0))
                assert each["seq"] > seen[1]
                place = (answer["id"], each["item"])
                self.heads[place] = (each["rev"], each["seq"])
            self._cursors[answer["id"]] = answer["cursor"]
        if any(answer["more"] for answer in answers):
            self.read()


def _post(client: httpx.Client, vaults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = {"proto": 1, "device": str(uuid4()), "vaults": vaults}
    answer = client.post("/v1/sync", json=body)
    assert answer.status_code in {200, 402}, answer.text
    told: list[dict[str, Any]] = answer.json()["vaults"]
    return told


def _second_vault(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "WITH made AS (INSERT INTO vaults (account_id, name)"
            " SELECT account_id, 'Second' FROM vaults RETURNING id)"
            " INSERT INTO vault_members SELECT made.id, users.id, 'owner'"
            " FROM made, users RETURNING vault_id"
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_sixteen_devices_at_two_instances_and_one_that_reads(
    start_server: Callable[..., Server],
    admin: Admin,
    open_vault: Callable[..., Vault],
    database_url: str,
) -> None:
    """No change is missed, no push is refused because of another, the limit holds."""
    vault = open_vault()
    set_limit(vault, LIMIT)
    vaults = [str(vault.id), _second_vault(database_url)]
    shared = new()
    vault.say(shared)
    servers = [start_server(), start_server()]
    tokens = [admin.issue_token(EMAIL, "test") for _ in range(2 * DEVICES)]

    def write(number: int) -> Counter[str]:
        rng, results = random.Random(number), Counter[str]()
        head, text = shared, "Whoever comes first."
        with servers[number % 2].client(tokens[number]) as client:
            for _ in range(ROUNDS):
                edit = after(head, text)
                pushes = [[edit, new()], [new()]]
                asked = [
                    {"id": id, "push": push}
                    for id, push in zip(vaults, pushes, strict=True)
                ]
                rng.shuffle(asked)
                answers = {each["id"]: each for each in _post(client, asked)}
                results.update(
                    each["r"] for told in answers.values() for each in told["results"]
                )
                heads = {
                    each["rev"]
                    for each in answers[vaults[0]]["feed"]
                    if each["item"] == shared["item"]
                }
                mine = answers[vaults[0]]["results"][0]["r"] == "ok"
                (rev,) = {edit["rev"]} if mine else heads
                head = {**shared, "rev": rev}
        return results

    def read(writing: threading.Event) -> Reader:
        with servers[1].client(admin.issue_token(EMAIL, "test")) as client:
            reader = Reader(client, vaults)
            while not writing.wait(0.05):
                reader.read()
            reader.read()
        return reader

    done = threading.Event()
    with ThreadPoolExecutor(2 * DEVICES + 1) as threads:
        reading = threads.submit(read, done)
        results = sum(threads.map(write, range(2 * DEVICES)), Counter[str]())
        done.set()
        reader = reading.result()

    assert results["quota"] == 2 * DEVICES * ROUNDS * 2 - (LIMIT - 1)
    assert results["conflict"] > 0
    assert results.keys() == {"ok", "quota", "conflict"}
    with psycopg.connect(database_url) as connection:
        written = connection.execute(
            "SELECT vault_id::text, item_id::text, head_rev::text, seq FROM items"
        ).fetchall()
        counts = connection.execute("SELECT prompt_count FROM accounts").fetchall()
    assert reader.heads == {(v, item): (rev, seq) for v, item, rev, seq in written}
    assert counts == [(LIMIT,)]
    assert len(written) == LIMIT
    _check_numbers(vault, results["ok"] + 1, database_url)


def _check_numbers(vault: Vault, accepted: int, database_url: str) -> None:
    """Assert that every vault used each number once, and has one line of edits."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT count(*), count(DISTINCT seq), max(seq), head_seq"
            " FROM revisions JOIN vaults ON id = vault_id GROUP BY id, head_seq"
        ).fetchall()
    assert all(len({*row}) == 1 for row in rows)
    assert sum(row[0] for row in rows) == accepted
    edits = vault.rows(
        "SELECT base_rev, rev FROM revisions WHERE vault_id = %s AND base_rev"
        " IS NOT NULL ORDER BY seq"
    )
    assert all(one[1] == two[0] for one, two in itertools.pairwise(edits))
