"""The events of a server, and the ways in which they end."""

import queue
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault import errors
from promptvault.client.address import parse_address
from promptvault.client.client import Client, connect
from promptvault.client.event_listener import (
    Event,
    EventListener,
    NotEventsError,
    read_events,
)
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


def read(*parts: bytes) -> list[Event]:
    """Return the events in *parts*."""
    return [*read_events(parts)]


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("event: vault\ndata: {}\n\n", [Event("vault", "{}")]),
        ("data: a\ndata: b\n\n", [Event("message", "a\nb")]),
        ("data:a\ndata\ndata:  b\n\n", [Event("message", "a\n\n b")]),
        (": a comment\n\n:\n\ndata: a\n\n", [Event("message", "a")]),
        ("event: x\n\ndata: a\n\n", [Event("message", "a")]),
        ("event: x\nevent: y\ndata: a\n: z\n\n", [Event("y", "a")]),
        ("id: 1\nretry: 3\nwhat: x\nnonsense\ndata: a\n\n", [Event("message", "a")]),
        ("data\n\n", [Event("message", "")]),
        ("data: a:b: c\n\n", [Event("message", "a:b: c")]),
        ("\ufeffdata: a\n\n", [Event("message", "a")]),
        ("\ufeff\ufeffdata: a\n\n", []),
        ("data: Grüße 👋\n\n", [Event("message", "Grüße 👋")]),
        ("data: a\n\ndata: cut off\n", [Event("message", "a")]),
        ("data: a\n\ndata: cut", [Event("message", "a")]),
        ("data: a\n\n\n\ndata: b\n\n", [Event("message", "a"), Event("message", "b")]),
        ("", []),
    ],
    ids=range(16),
)
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CRLF"])
def test_every_way_to_write_it(text: str, events: list[Event], end: str) -> None:
    stream = text.replace("\n", end).encode()
    assert read(stream) == events
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == events


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: a", b"event:b", b":"])),
    st.lists(st.integers(0, 60)),
)
def test_it_does_not_matter_where_it_is_cut(
    pieces: list[bytes], places: list[int]
) -> None:
    stream = b"".join(pieces)
    bounds = [0, *sorted(places), len(stream)]
    parts = [stream[a:b] for a, b in pairwise(bounds)]
    assert read(*parts) == read(stream)


def test_an_event_is_yielded_before_the_next_part_is_read() -> None:
    def stream() -> Iterator[bytes]:
        yield b"data: a\r\n\r"
        raise AssertionError("the reader asked for a second part")

    assert next(read_events(stream())) == Event("message", "a")


@pytest.mark.parametrize(
    "stream", [b"data: " + b"x" * 100_000, b"data: x\n" * 100_000, b"x" * 100_000]
)
def test_an_event_without_end(stream: bytes) -> None:
    with pytest.raises(NotEventsError):
        read(stream)


def test_comments_may_go_on_for_ever() -> None:
    assert read(*[b": still here\n"] * 20_000, b"data: a\n\n") == [
        Event("message", "a")
    ]


def test_text_that_is_no_utf_8() -> None:
    assert read(b"data: \xff\xfe\n\n") == [Event("message", "\ufffd\ufffd")]
