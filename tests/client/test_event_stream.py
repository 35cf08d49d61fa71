"""Server-sent events, however the bytes come."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.client.event_stream import Event, NotEventsError, read_events


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


def test_an_event_is_told_before_what_follows_comes() -> None:
    def stream() -> Iterator[bytes]:
        yield b"data: a\r\n\r"
        raise AssertionError("nobody asked for more")

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
