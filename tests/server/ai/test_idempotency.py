"""The same request with the same key is answered, and paid, once."""

import threading
from collections.abc import Callable

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.model_server import ModelServer, Status, Text
from tests.server.ai.conftest import Asker, Connection, hosted
from tests.server.conftest import Server
from tests.server.redis_server import RedisServer
from tests.sync.waiting import eventually


def test_the_same_key_gets_the_same_answer(asker: Asker, model: ModelServer) -> None:
    model.script(Text("First."), Text("Second."), Text("Third."))
    first, again = asker.once("k"), asker.once("k")
    assert first.content == again.content
    streams = [asker.once("k", stream=True).text for _ in range(2)]
    assert all("Second." in text and "[DONE]" in text for text in streams)
    assert "Third." in asker.once("k", text="Another text.").text
    assert len(model.requests) == 3
    assert asker.usage()["spent_usd"] == 3 * 40 / 1_000_000


def test_redis_has_the_answer_for_an_hour_and_only_encrypted(
    start_server: Callable[..., Server],
    model: ModelServer,
    token: str,
    connection: Connection,
    redis_server: RedisServer,
) -> None:
    model.script(Text("A secret recipe."))
    server = start_server(**hosted(model), redis_url=redis_server.url)
    with server.client(token) as client:
        first = Asker(client).once("k")
        connection.execute("UPDATE ai_answers SET answer = NULL")  # it is not read
        assert Asker(client).once("k").text == first.text
        (name,) = redis_server.client.keys("*:answer:*")
        assert 0 < redis_server.client.ttl(name) <= 3600
        assert "recipe" not in str(redis_server.client.dump(name))
        redis_server.client.flushall()
        assert Asker(client).once("k").status_code == 409  # the database decides
    assert len(model.requests) == 1


def test_while_the_first_one_runs(asker: Asker, model: ModelServer) -> None:
    model.script(Text("Slowly.", delay=1))
    first = threading.Thread(target=asker.once, args=["k"])
    first.start()
    eventually(lambda: len(model.requests) == 1)
    assert asker.once("k").status_code == 409
    first.join()
    assert "Slowly." in asker.once("k").text
    assert len(model.requests) == 1


def test_a_failure_is_not_kept(asker: Asker, model: ModelServer) -> None:
    model.script(Status(500))
    assert asker.once("k").status_code == 503
    assert asker.once("k").status_code == 200


def test_keys_belong_to_an_account(
    asker: Asker, admin: Admin, server: Server, model: ModelServer
) -> None:
    admin.add_user("grace@example.org", Tier.PRO)
    asker.once("k")
    with server.client(admin.issue_token("grace@example.org", "test")) as client:
        Asker(client).once("k")
    assert len(model.requests) == 2


def test_an_answer_is_kept_for_a_day(
    asker: Asker, model: ModelServer, connection: Connection
) -> None:
    asker.once("k")
    connection.execute("UPDATE ai_answers SET created_at = now() - interval '1 day'")
    assert asker.once("k").status_code == 200
    assert len(model.requests) == 2


def test_a_claim_of_a_killed_process_ends(
    asker: Asker, model: ModelServer, connection: Connection
) -> None:
    asker.once("k")
    connection.execute("UPDATE ai_answers SET answer = NULL")
    assert asker.once("k").status_code == 409
    connection.execute("UPDATE ai_answers SET created_at = now() - interval '10 min'")
    assert asker.once("k").status_code == 200


def test_another_secret_cannot_read_it(
    asker: Asker, connection: Connection, start_server: Callable[..., Server]
) -> None:
    asker.once("k")
    connection.execute(
        "UPDATE ai_answers SET answer = set_byte(answer, 12, get_byte(answer, 12) # 1)"
    )
    assert asker.once("k").status_code == 409
