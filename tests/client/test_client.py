"""A client against servers that fail, lie, or are something else."""

import gzip
import json
import socket
from pathlib import Path

import pytest

from promptvault import errors
from promptvault.client.address import parse_address
from promptvault.client.client import connect
from promptvault.client.request_error import SignInPendingError
from promptvault.errors import PromptVaultError, RateLimitedError, UnavailableError
from tests.client.conftest import TOKEN, Start
from tests.client.stub import HANG_UP, Reply

ME: dict[str, object] = {
    "email": "ada@example.org",
    "user_id": "7f0bd1f8-9bb3-4d65-8d90-5a4ac5c0f2c5",
    "account_id": "64dc0b4b-3c6e-4b92-ad07-ba9e4e8cbb07",
    "role": "owner",
    "tier": "free",
    "limits": {"prompts": 50, "optimizations": 0, "members": 1},
    "usage": {"prompts": 0, "members": 1},
    "device": None,
    "vaults": [],
}
GOOD = Reply(body=json.dumps(ME).encode())


def ask(url: str, waits: list[float] | None = None) -> str:
    """Return whose the token is at *url*; what is waited is put into *waits*."""
    sleep = (waits if waits is not None else []).append
    with connect(parse_address(url), TOKEN, sleep=sleep) as client:
        return client.me().email


def refusal(url: str, waits: list[float] | None = None) -> PromptVaultError:
    """Return the error of asking *url*, which does not quote the token."""
    with pytest.raises(PromptVaultError) as caught:
        ask(url, waits)
    assert TOKEN not in str(caught.value) + repr(caught.value)
    return caught.value


def error(status: int, code: str, message: str = "No.", **headers: str) -> Reply:
    """Return an answer with an error."""
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body, named)


def test_an_answer_is_read(start: Start) -> None:
    stub = start(GOOD)
    assert ask(stub.url) == "ada@example.org"
    (asked,) = stub.asked
    assert (asked.path, asked.token) == ("/v1/me", f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "unauthenticated", errors.AuthenticationError),
        (403, "forbidden", errors.PermissionDeniedError),
        (404, "not_found", errors.NotFoundError),
        (409, "conflict", errors.ConflictError),
        (422, "invalid_input", errors.InvalidInputError),
        (413, "too_large", errors.TooLargeError),
        (402, "tier_limit", errors.TierLimitError),
        (429, "rate_limited", errors.RateLimitedError),
        (503, "unavailable", errors.UnavailableError),
        (500, "internal", errors.UnavailableError),
        (500, "vault_unusable", errors.UnavailableError),
        (418, "teapot", errors.UnavailableError),
    ],
)
def test_a_code_becomes_its_class(
    start: Start, status: int, code: str, kind: type[PromptVaultError]
) -> None:
    found = refusal(start(error(status, code, "This is why.")).url)
    assert type(found) is kind
    assert "This is why." in str(found)


def test_a_server_that_does_not_know_a_field_is_older(start: Start) -> None:
    message = "body.vaults.0.mark: Extra inputs are not permitted."
    found = refusal(start(error(422, "invalid_input", message)).url)
    assert isinstance(found, UnavailableError)
    assert "older than this program" in str(found)
    assert "update the server" in str(found)


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limited"), (503, "unavailable")]
)
def test_it_waits_and_asks_again_as_it_is_told(
    start: Start, status: int, code: str
) -> None:
    busy, waits = error(status, code, Retry_After="7"), list[float]()
    stub = start(busy, busy, GOOD)
    assert ask(stub.url, waits) == "ada@example.org"
    assert waits == [7, 7]


def test_it_gives_up_after_three_tries(start: Start) -> None:
    stub, waits = start(error(503, "unavailable", Retry_After="1")), list[float]()
    assert isinstance(refusal(stub.url, waits), UnavailableError)
    assert (len(stub.asked), waits) == (3, [1, 1])


@pytest.mark.parametrize("after", [None, "3600", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_it_does_not_wait_for_long_or_without_being_told(
    start: Start, after: str | None
) -> None:
    headers = {"Retry_After": after} if after else {}
    stub, waits = start(error(429, "rate_limited", **headers)), list[float]()
    found = refusal(stub.url, waits)
    assert isinstance(found, RateLimitedError)
    assert found.retry_after == (3600 if after == "3600" else None)
    assert (len(stub.asked), waits) == (1, [])


def test_what_must_not_happen_twice_is_sent_once(start: Start) -> None:
    stub = start(error(503, "unavailable", Retry_After="1"))
    with connect(parse_address(stub.url)) as client, pytest.raises(UnavailableError):
        client.begin_sign_in("laptop", "Linux")
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(
            body=b"<html>Welcome to nginx!</html>",
            headers={"Content-Type": "text/html"},
        ),
        Reply(404, b"<html>Not found</html>"),
        Reply(404, b'{"detail": "Not Found"}'),
        Reply(404, b'{"error": {"code": 1}}'),
        Reply(404, b"[1]"),
        Reply(404, b"[" * 100_000),
        Reply(body=b""),
        Reply(body=b"\xff\xfe"),
        Reply(body=b'{"email": "ada@example.org"}'),
        Reply(body=b"[" * 100_000),
        Reply(204, b""),
    ],
    ids=range(11),
)
def test_a_server_that_is_something_else(start: Start, reply: Reply) -> None:
    found = refusal(start(reply).url)
    assert isinstance(found, UnavailableError)
    assert "not as a PromptVault server" in str(found)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_follows_no_redirect(start: Start, status: int) -> None:
    thief = start(GOOD)
    stub = start(Reply(status, b"", {"Location": f"{thief.url}/v1/me"}))
    found = refusal(stub.url)
    assert isinstance(found, UnavailableError)
    assert thief.url in str(found)
    assert thief.asked == []


@pytest.mark.parametrize("target", ["http://[", "//", "http://a b\x7f", ":::", ""])
def test_a_redirect_to_nowhere(start: Start, target: str) -> None:
    refusal(start(Reply(302, b"", {"Location": target})).url)


@pytest.mark.parametrize("code", ["internal", "forbidden", "rate_limited"])
def test_a_server_that_quotes_the_token(start: Start, code: str) -> None:
    found = refusal(start(error(500, code, f"{TOKEN} is bad")).url)
    assert "(hidden) is bad" in str(found)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(502, UnavailableError), (504, UnavailableError), (429, RateLimitedError)],
)
def test_a_proxy_in_between(
    start: Start, status: int, kind: type[PromptVaultError]
) -> None:
    assert type(refusal(start(Reply(status, b"<html>Bad Gateway</html>")).url)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UnavailableError),
        (403, UnavailableError),
        (404, UnavailableError),
        (413, errors.TooLargeError),
        (429, RateLimitedError),
        (503, UnavailableError),
    ],
)
@pytest.mark.parametrize("word", ["Forbidden", "authorization_pending"])
def test_an_error_of_a_gateway_is_what_its_status_says(
    start: Start, status: int, kind: type[PromptVaultError], word: str
) -> None:
    stub = start(Reply(status, json.dumps({"error": word}).encode()))
    assert type(refusal(stub.url)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, SignInPendingError),
        (403, UnavailableError),
        (429, RateLimitedError),
        (503, UnavailableError),
    ],
)
def test_only_an_answer_to_the_code_tells_of_the_sign_in(
    start: Start, status: int, kind: type[PromptVaultError]
) -> None:
    stub = start(Reply(status, b'{"error": "slow_down"}'))
    with connect(parse_address(stub.url)) as client:
        with pytest.raises(PromptVaultError) as caught:
            client.end_sign_in("the-code")
        assert type(caught.value) is kind
        with pytest.raises(PromptVaultError) as caught:
            client.begin_sign_in("laptop", "linux")
        assert not isinstance(caught.value, SignInPendingError)


def test_another_version_of_the_protocol(start: Start) -> None:
    for reply in (
        error(426, "invalid_input", "This server speaks 3."),
        Reply(426, b""),
    ):
        found = refusal(start(reply).url)
        assert isinstance(found, UnavailableError)
        assert "update" in str(found)


def test_an_answer_without_end(start: Start) -> None:
    bomb = gzip.compress(bytes(80 * 1024 * 1024))
    found = refusal(start(Reply(200, bomb, {"Content-Encoding": "gzip"})).url)
    assert "larger than 64 MiB" in str(found)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b'{"email"', length=1000),
        Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
        Reply(headers={"Transfer-Encoding": "chunked"}, body=b"xyz"),
    ],
    ids=["short", "garbled", "no chunks"],
)
def test_an_answer_that_breaks_off(start: Start, reply: Reply) -> None:
    found = refusal(start(reply).url)
    assert isinstance(found, UnavailableError)
    assert "broke off" in str(found)


def test_a_question_is_asked_again_where_the_connection_breaks(start: Start) -> None:
    stub, waits = start(HANG_UP, Reply(body=b"{", length=9), GOOD), list[float]()
    assert ask(stub.url, waits) == "ada@example.org"
    assert waits == sorted(waits)
    assert len(stub.asked) == 3


def test_nothing_is_ended_twice_where_the_connection_breaks(start: Start) -> None:
    stub = start(HANG_UP, Reply(204, b""))
    with connect(parse_address(stub.url), TOKEN) as client:
        with pytest.raises(UnavailableError, match="broke off"):
            client.revoke()
    assert len(stub.asked) == 1


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        found = refusal(f"http://127.0.0.1:{port}")
    assert isinstance(found, UnavailableError)
    assert "cannot be reached" in str(found)


def test_a_host_that_does_not_exist() -> None:
    found = refusal("https://nowhere.invalid")
    assert isinstance(found, UnavailableError)
    assert "nowhere.invalid cannot be reached" in str(found)


def test_a_certificate_that_nobody_signed(start: Start, certificate: Path) -> None:
    stub = start(GOOD, certificate=certificate)
    found = refusal(stub.url)
    assert isinstance(found, UnavailableError)
    assert "certificate" in str(found)
    assert stub.asked == []


def test_https_to_a_server_that_speaks_http(start: Start) -> None:
    found = refusal(start(GOOD).url.replace("http://", "https://"))
    assert isinstance(found, UnavailableError)
    assert "does not answer over https" in str(found)
    assert "http://" in str(found)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:password@sync.example.org",
        "https://user@sync.example.org",
        "https://sync.example.org?key=1",
        "http://sync.example.org",
        "http://10.0.0.1",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
    ],
)
def test_where_no_token_goes(url: str) -> None:
    with pytest.raises(errors.InvalidInputError) as caught:
        parse_address(url)
    assert "password@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("HTTPS://Sync.Example.org", "https://sync.example.org"),
        ("https://sync.example.org/Vault/", "https://sync.example.org/Vault"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://127.8.0.1", "http://127.8.0.1"),
    ],
)
def test_where_a_token_may_go(url: str, found: str) -> None:
    assert parse_address(url).url == found
    assert parse_address("http://sync.example.org", insecure=True).host
