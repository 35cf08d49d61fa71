"""The events of a server, and the ways in which they end."""

import queue
import threading
from pathlib import Path
from uuid import UUID

import pytest

from promptvault import errors
from promptvault.client.address import parse_address
from promptvault.client.client import Client, connect
from promptvault.client.event_listener import EventListener
from promptvault.client.transport import Transport
from promptvault.errors import PromptVaultError, UnavailableError
from promptvault.wire.event import VaultEvent
from tests.client.conftest import TOKEN, Start
from tests.client.stub import HANG_UP, SILENCE, Reply

VAULT = UUID("7f0bd1f8-9bb3-4d65-8d90-5a4ac5c0f2c5")
TYPE = {"Content-Type": "text/event-stream; charset=utf-8"}
BEAT = b": still here\n\n"
DEADLINE = 30
"""Seconds until a test that hangs fails; none waits for it."""


def told(seq: int) -> bytes:
    """Return what a server sends."""
    return f'event: vault\ndata: {{"vault": "{VAULT}", "seq": {seq}}}\n\n'.encode()


def events(*parts: bytes, stays: bool = False) -> Reply:
    """Return an answer that is a stream."""
    return Reply(200, b"", TYPE, parts=parts, stays=stays)


def client(url: str) -> Client:
    """Return a client that is signed in."""
    return connect(parse_address(url), TOKEN)


def test_events_are_told_as_they_come(start: Start) -> None:
    other = b"event: other\ndata: ?\n\n"
    stub = start(events(BEAT, told(1), other, BEAT, told(2), stays=True))
    with client(stub.url) as here, here.events() as listener:
        found = [next(listener), next(listener)]
    assert found == [VaultEvent(vault=VAULT, seq=seq) for seq in (1, 2)]
    (asked,) = stub.asked
    assert (asked.method, asked.path) == ("GET", "/v1/events")
    assert asked.token == f"Bearer {TOKEN}"
    assert asked.headers["Accept"] == "text/event-stream"
    assert asked.headers["Accept-Encoding"] == "identity"


def test_nothing_is_sent_before_somebody_listens(start: Start) -> None:
    stub = start(SILENCE)
    with client(stub.url) as here:
        here.events().close()
    assert stub.asked == []


def refusal(url: str) -> PromptVaultError:
    """Return the error that the events of *url* end with."""
    with client(url) as here, pytest.raises(PromptVaultError) as caught:
        list(here.events())
    assert TOKEN not in str(caught.value) + repr(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "reply",
    [events(told(1)), events(told(1), told(2)[:-1]), events(), HANG_UP],
    ids=["an end", "half an event", "nothing", "no answer"],
)
def test_a_server_that_ends_it_is_unavailable(start: Start, reply: Reply) -> None:
    found = refusal(start(reply).url)
    assert isinstance(found, UnavailableError)
    assert "broke off" in str(found)


def _json(status: int, code: str) -> Reply:
    body = f'{{"error": {{"code": "{code}", "message": "No, {TOKEN}."}}}}'
    return Reply(status, body.encode())


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (_json(401, "unauthenticated"), errors.AuthenticationError),
        (_json(403, "forbidden"), errors.PermissionDeniedError),
        (_json(429, "rate_limited"), errors.RateLimitedError),
        (_json(503, "unavailable"), UnavailableError),
        (_json(500, "internal"), UnavailableError),
    ],
    ids=range(5),
)
def test_an_error_is_its_class(
    start: Start, reply: Reply, kind: type[PromptVaultError]
) -> None:
    assert type(refusal(start(reply).url)) is kind


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>Welcome</html>", headers={"Content-Type": "text/html"}),
        Reply(body=told(1)),
        Reply(body=told(1), headers={**TYPE, "Content-Encoding": "gzip"}),
        events(b"event: vault\ndata: {}\n\n"),
        events(b"event: vault\ndata: \xff\n\n"),
        events(b"data: " + b"x" * 100_000, stays=True),
    ],
    ids=range(6),
)
def test_a_server_that_is_something_else(start: Start, reply: Reply) -> None:
    found = refusal(start(reply).url)
    assert isinstance(found, UnavailableError)
    assert "not as a PromptVault server" in str(found)


def test_no_redirect_is_followed(start: Start) -> None:
    thief = start(events(told(1)))
    stub = start(Reply(307, b"", {"Location": f"{thief.url}/v1/events"}))
    assert isinstance(refusal(stub.url), UnavailableError)
    assert thief.asked == []


@pytest.mark.parametrize("reply", [SILENCE, events(told(1), stays=True)])
def test_a_server_that_falls_silent(start: Start, reply: Reply) -> None:
    transport = Transport(parse_address(start(reply).url), TOKEN)
    with Client(transport), pytest.raises(UnavailableError, match="in time"):
        list(EventListener(transport, silence_seconds=0.2))


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_another_thread_can_end_it(
    start: Start,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_encrypted: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    reply = events(told(1), stays=True)
    stub = start(reply, certificate=certificate if is_encrypted else None)
    found: queue.Queue[object] = queue.Queue()

    def listen(listener: EventListener) -> None:
        for event in listener:
            assert isinstance(event, VaultEvent)
            found.put(event.seq)
        found.put("ended")

    with client(stub.url) as here:
        listener = here.events()
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        assert found.get(timeout=DEADLINE) == 1
        listener.close()
        assert found.get(timeout=DEADLINE) == "ended"
        thread.join(DEADLINE)
        assert not thread.is_alive()
    assert list(listener) == []
