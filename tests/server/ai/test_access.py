"""Who may use the server's model."""

import json
from collections.abc import Callable

import httpx

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.model_server import ModelServer
from tests.server.ai.conftest import PATH, Asker, Connection, body
from tests.server.conftest import EMAIL, Server


def test_the_free_plan_is_refused_on_every_path(
    admin: Admin, asker: Asker, model: ModelServer, connection: Connection
) -> None:
    assert asker.once("a").status_code == 200
    assert asker.once("b", stream=True).status_code == 200
    admin.set_tier(EMAIL, Tier.FREE)
    answers = [
        asker.ask(),
        asker.ask(stream=True),
        asker.once("a"),  # its answer is stored
        asker.once("b", stream=True),
        asker.ask(headers={"PV-Task": "template"}),
        asker.ask(tools=[]),
        *(asker.ask() for _ in range(40)),  # beyond the limit of requests as well
    ]
    assert {answer.status_code for answer in answers} == {402}
    assert "your own key has no limit" in answers[0].text
    assert len(model.requests) == 2
    assert asker.usage()["cap_usd"] == 0
    open_ones = connection.execute("SELECT 1 FROM ai_requests WHERE state = 'open'")
    assert open_ones.fetchall() == []


def test_who_has_just_signed_up_waits(
    asker: Asker, connection: Connection, model: ModelServer
) -> None:
    connection.execute("UPDATE accounts SET plan_why = 'subscription'")
    answer = asker.ask()
    assert answer.status_code == 429
    assert 3000 < int(answer.headers["Retry-After"]) <= 3600
    assert model.requests == []
    connection.execute("UPDATE accounts SET created_at = now() - interval '1 hour'")
    assert asker.ask().status_code == 200


def test_thirty_requests_at_once_are_the_most(asker: Asker) -> None:
    answers = [asker.ask() for _ in range(32)]
    assert {each.status_code for each in answers[:30]} == {200}
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) < 60


def test_a_token_without_the_scope(
    asker: Asker, connection: Connection, model: ModelServer
) -> None:
    connection.execute("UPDATE tokens SET scopes = '{sync:read,sync:write}'")
    answer = asker.ask()
    assert answer.status_code == 403
    assert "promptvault login" in answer.text
    assert model.requests == []


def test_a_server_without_a_model(
    start_server: Callable[..., Server], token: str
) -> None:
    with start_server().client(token) as client:
        answer = client.post(PATH, json=body(), headers={"PV-Task": "suggest"})
        assert answer.status_code == client.get("/v1/ai/usage").status_code == 404
        me = client.get("/v1/me").json()
    assert "ai" not in me["features"]
    assert me["limits"]["hosted_usd"] is me["usage"]["hosted_usd"] is None


def test_me_names_the_cap_and_what_is_used(asker: Asker, client: httpx.Client) -> None:
    asker.ask()
    me = client.get("/v1/me").json()
    assert "ai" in me["features"]
    assert me["limits"]["hosted_usd"] == 5
    assert me["usage"]["hosted_usd"] == asker.usage()["spent_usd"] == 0.00004


def test_the_operator_sees_and_stops_it(asker: Asker, admin: Admin) -> None:
    admin.add_user("grace@example.org", Tier.PRO)
    asker.ask()
    for email in (EMAIL, None):
        uses, spent = admin.ai_usage(email)
        found = [(each.email, each.spent, each.requests) for each in uses]
        assert (found, spent) == ([(EMAIL, 40, 1)], 40)
    admin.block_ai(EMAIL)
    assert asker.ask().status_code == 403
    assert [each.is_blocked for each in admin.ai_usage(None)[0]] == [True]
    admin.block_ai(EMAIL, undo=True)
    assert asker.ask().status_code == 200


def test_the_usage_of_a_month(asker: Asker) -> None:
    asker.ask()
    used = asker.usage()
    assert used["cap_usd"] == 5
    assert used["resets_at"].startswith(_next(used["month"]))
    assert json.dumps(used["by_task"]) == (
        '{"optimize": {"requests": 1, "spent_usd": 4e-05}}'
    )


def _next(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}-01T00:00:00"
