"""Who is signed in, as the API tells it."""

import httpx

from tests.server.conftest import EMAIL


def test_a_token_tells_whose_it_is(client: httpx.Client) -> None:
    answer = client.get("/v1/me")
    assert answer.status_code == 200, answer.text
    me = answer.json()
    assert me["email"] == EMAIL
    assert me["tier"] == "free"
    assert me["limits"] == {"prompts": 50, "optimizations": 0, "members": 1}
    assert me["usage"] == {"prompts": 0, "members": 1}
    assert me["device"] is None


def test_without_a_token_nobody_is_let_in(visitor: httpx.Client) -> None:
    answer = visitor.get("/v1/me")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"
