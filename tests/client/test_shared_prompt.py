"""Fetching a shared prompt: what another server may send, and who gets a password."""

import gzip
import itertools
import json
from typing import Any

import pytest

from promptvault.client.shared_prompt import fetch_shared
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    TooLargeError,
    UnavailableError,
)
from tests.client.conftest import Start
from tests.client.stub import HANG_UP, Reply

TOKEN = "0123456789abcdefghijAB"
PROMPT: dict[str, Any] = {
    "name": "ask",
    "title": "",
    "description": "",
    "template": False,
    "body": "Ask them.",
    "variables": [],
    "version": 1,
    "updated_at": "2026-11-29T12:00:00Z",
    "url": "https://elsewhere.example.org/s/x",
}
JSON = {"Content-Type": "application/json"}
GOOD = Reply(body=json.dumps(PROMPT).encode(), headers=JSON)


def _moved(target: str) -> Reply:
    return Reply(302, headers={"Location": target})


def test_the_link_alone_says_where_a_prompt_is_from(start: Start) -> None:
    server = start(GOOD)
    shared = fetch_shared(f"{server.url}/s/{TOKEN}")
    assert (shared.body, shared.url) == ("Ask them.", f"{server.url}/s/{TOKEN}")
    (asked,) = server.asked
    assert (asked.path, asked.token) == (f"/s/{TOKEN}/json", None)


def test_a_redirect_on_the_same_server_is_followed(start: Start) -> None:
    server = start(_moved(f"/new/s/{TOKEN}/json"), GOOD)
    assert fetch_shared(f"{server.url}/s/{TOKEN}", "correct horse").version == 1
    assert [each.path for each in server.asked] == [
        f"/s/{TOKEN}/json",
        f"/new/s/{TOKEN}/json",
    ]


def test_no_other_server_gets_the_password(start: Start) -> None:
    other = start(GOOD)
    by_name = other.url.replace("127.0.0.1", "localhost")
    for target in (other.url, by_name, other.url.replace("http:", "https:")):
        server = start(_moved(f"{target}/s/{TOKEN}/json"))
        with pytest.raises(UnavailableError, match="another server"):
            fetch_shared(f"{server.url}/s/{TOKEN}", "correct horse")
    assert other.asked == []


def test_a_server_that_redirects_in_a_circle_is_left(start: Start) -> None:
    server = start(_moved(f"/s/{TOKEN}/json"))
    with pytest.raises(UnavailableError, match="too often"):
        fetch_shared(f"{server.url}/s/{TOKEN}")
    assert len(server.asked) == 4


def test_http_to_another_computer_is_not_asked() -> None:
    with pytest.raises(InvalidInputError, match="https://"):
        fetch_shared(f"http://prompts.example.org/s/{TOKEN}", "correct horse")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>Sign in to the network</html>"),
        Reply(body=GOOD.body, headers={"Content-Type": "text/html"}),
        Reply(body=b"{not json", headers=JSON),
        Reply(body=b"[" * 50_000, headers=JSON),
        Reply(body=b'{"name": "x"}', headers=JSON),
        Reply(204, b"", JSON),
        Reply(404, b"<html>nginx</html>"),
        Reply(body=gzip.compress(bytes(10_000_000)), headers={
            **JSON, "Content-Encoding": "gzip",
        }),
        _moved("http://[broken"),
        Reply(502, b"Bad gateway"),
        HANG_UP,
        Reply(body=GOOD.body, headers=JSON, length=10_000),
    ],
)  # fmt: skip
def test_what_is_no_share_is_an_error_of_the_server(start: Start, reply: Reply) -> None:
    server = start(reply)
    with pytest.raises(UnavailableError, match="127"):
        fetch_shared(f"{server.url}/s/{TOKEN}")


def test_an_answer_may_have_a_mebibyte(start: Start) -> None:
    body = json.dumps(PROMPT | {"body": "x" * (1024 * 1024)}).encode()
    server = start(Reply(body=body, headers=JSON))
    with pytest.raises(TooLargeError, match="1 MiB"):
        fetch_shared(f"{server.url}/s/{TOKEN}")
    endless = start(Reply(parts=(b"x" * 65536,) * 100, headers=JSON))
    with pytest.raises(TooLargeError):
        fetch_shared(f"{endless.url}/s/{TOKEN}")


@pytest.mark.parametrize(
    "reply", [Reply(parts=(b"{", b'"name"'), headers=JSON), _moved(f"/s/{TOKEN}/json")]
)
def test_a_server_that_is_too_slow_is_left(start: Start, reply: Reply) -> None:
    server, clock = start(reply), itertools.count(0.0, 11.0)
    with pytest.raises(UnavailableError, match="does not answer in time"):
        fetch_shared(f"{server.url}/s/{TOKEN}", clock=lambda: next(clock))
    assert len(server.asked) <= 2


def test_what_the_server_says_no_with_is_kept(start: Start) -> None:
    kinds = {404: NotFoundError, 410: NotFoundError, 429: RateLimitedError}
    for status, kind in kinds.items():
        code = "rate_limited" if status == 429 else "not_found"
        body = {"error": {"code": code, "message": "It has ended."}}
        server = start(Reply(status, json.dumps(body).encode(), JSON))
        with pytest.raises(kind, match="It has ended"):
            fetch_shared(f"{server.url}/s/{TOKEN}")


def test_a_password_that_is_lacking_or_wrong_is_said(start: Start) -> None:
    server = start(Reply(401, b"{}", JSON))
    with pytest.raises(AuthenticationError, match="needs a password"):
        fetch_shared(f"{server.url}/s/{TOKEN}")
    with pytest.raises(AuthenticationError, match="is not the password") as error:
        fetch_shared(f"{server.url}/s/{TOKEN}", "wrong horse")
    assert "wrong horse" not in str(error.value)
