"""An exchange of sync, with servers and proxies that are busy, broken or hostile."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from promptvault import errors
from promptvault.client.address import parse_address
from promptvault.client.client import Client, connect
from promptvault.client.transport import Transport
from promptvault.errors import PromptVaultError, UnavailableError
from promptvault.wire.sync import SyncAnswer
from tests.client.conftest import TOKEN, Start
from tests.client.stub import HANG_UP, SILENCE, Reply

VAULT = "7f0bd1f8-9bb3-4d65-8d90-5a4ac5c0f2c5"
REQUEST = json.dumps({"proto": 1, "note": "Grüße " * 500}).encode()
ANSWER: dict[str, Any] = {
    "proto": 1,
    "vaults": [{"id": VAULT, "status": "ok", "digest": "ab" * 300}],
    "limits": {"items": 500, "bytes": 1, "inflated": 1, "payload": 1},
    "end": True,
}
PLAIN = json.dumps(ANSWER).encode()


def packed(body: bytes, encoding: str, status: int = 200) -> Reply:
    """Return an answer that is compressed."""
    pack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
        "identity": bytes,
    }
    return Reply(status, pack[encoding](body), {"Content-Encoding": encoding})


GOOD = packed(PLAIN, "zstd")


def error(status: int, code: str, **headers: str) -> Reply:
    """Return an answer with an error."""
    body = json.dumps({"error": {"code": code, "message": f"No, {TOKEN}."}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body, named)


def sync(url: str, waits: list[float] | None = None) -> SyncAnswer:
    """Sync with the server at *url*; what is waited is put into *waits*."""
    told: list[float] = []
    slept: list[float] = waits if waits is not None else []
    with connect(parse_address(url), TOKEN, sleep=slept.append) as client:
        try:
            return client.sync(REQUEST, told.append)
        finally:
            assert told == slept


def refusal(url: str, waits: list[float] | None = None) -> PromptVaultError:
    """Return the error of a sync with *url*, which does not quote the token."""
    with pytest.raises(PromptVaultError) as caught:
        sync(url, waits)
    assert TOKEN not in str(caught.value) + repr(caught.value)
    return caught.value


@pytest.mark.parametrize("status", [200, 402])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_an_answer_is_read(start: Start, status: int, encoding: str) -> None:
    stub = start(packed(PLAIN, encoding, status))
    assert sync(stub.url).model_dump(mode="json", exclude_unset=True) == ANSWER


def test_what_is_sent_is_the_request_compressed(start: Start) -> None:
    stub = start(GOOD)
    with connect(parse_address(stub.url), TOKEN) as client:
        client.sync(REQUEST)
        traffic = client.traffic
    (asked,) = stub.asked
    assert (asked.method, asked.path) == ("POST", "/v1/sync")
    assert asked.token == f"Bearer {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Content-Encoding"] == "zstd"
    assert zstandard.decompress(asked.body) == REQUEST
    assert traffic == (1, len(asked.body), len(GOOD.body))
    assert traffic.sent < len(REQUEST) / 10


# What is tried again


@pytest.mark.parametrize(
    "trouble",
    [
        HANG_UP,
        Reply(body=PLAIN[:40], length=len(PLAIN)),
        Reply(GOOD.status, GOOD.body[:-1], GOOD.headers),
        Reply(502, b"<html>Bad Gateway</html>"),
        error(503, "unavailable"),
        Reply(504, b""),
    ],
    ids=["no answer", "short", "short but told so", "502", "503", "504"],
)
def test_what_breaks_is_sent_again_byte_for_byte(start: Start, trouble: Reply) -> None:
    stub, waits = start(trouble, trouble, trouble, trouble, GOOD), list[float]()
    assert sync(stub.url, waits).end
    assert len({asked.body for asked in stub.asked}) == 1
    assert len(stub.asked) == 5
    assert waits == sorted(waits)
    assert len({*waits}) == len(waits) == 4


@pytest.mark.parametrize("trouble", [HANG_UP, Reply(502, b""), SILENCE])
def test_it_gives_up(start: Start, trouble: Reply) -> None:
    stub = start(trouble)
    transport = Transport(
        parse_address(stub.url), TOKEN, sleep=lambda _: None, read_seconds=0.2
    )
    with Client(transport) as client, pytest.raises(UnavailableError):
        client.sync(REQUEST)
    assert client.traffic.requests == len(stub.asked) <= 5


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limited"), (503, "unavailable")]
)
def test_it_waits_as_long_as_it_is_told(start: Start, status: int, code: str) -> None:
    waits: list[float] = []
    stub = start(
        error(status, code, Retry_After="45"),
        error(status, code, Retry_After="0"),
        GOOD,
    )
    assert sync(stub.url, waits).end
    assert waits == [45, 0]


@pytest.mark.parametrize("after", [None, "3600", "9" * 400, "-1"])
def test_it_does_not_wait_for_long_or_without_being_told(
    start: Start, after: str | None
) -> None:
    headers = {"Retry_After": after} if after else {}
    stub, waits = start(error(429, "rate_limited", **headers)), list[float]()
    assert isinstance(refusal(stub.url, waits), errors.RateLimitedError)
    assert (len(stub.asked), waits) == (1, [])


def test_a_server_that_is_away_for_a_moment(start: Start) -> None:
    stub = start(GOOD)
    waits: list[float] = []
    with connect(parse_address(stub.url), TOKEN, sleep=waits.append) as client:
        client.sync(REQUEST)
        stub.stop()
        with pytest.raises(UnavailableError):
            client.sync(REQUEST)
        assert len(waits) == 4


def test_a_server_that_was_never_there_is_not_waited_for(start: Start) -> None:
    stub, waits = start(GOOD), list[float]()
    stub.stop()
    assert "cannot be reached" in str(refusal(stub.url, waits))
    assert waits == []


# What is no answer


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(413, "too_large"), errors.TooLargeError),
        (Reply(413, b"<html>413</html>"), errors.TooLargeError),
        (error(402, "tier_limit"), errors.TierLimitError),
        (error(401, "unauthenticated"), errors.AuthenticationError),
        (error(403, "forbidden"), errors.PermissionDeniedError),
        (error(422, "invalid_input"), errors.InvalidInputError),
        (error(500, "internal"), UnavailableError),
        (error(500, TOKEN), UnavailableError),
    ],
    ids=range(8),
)
def test_an_error_is_its_class(
    start: Start, reply: Reply, kind: type[PromptVaultError]
) -> None:
    stub = start(reply)
    assert type(refusal(stub.url)) is kind
    assert len(stub.asked) == 1


@pytest.mark.parametrize("reply", [error(426, "outdated"), Reply(426, b"<html>")])
def test_another_version_of_the_protocol(start: Start, reply: Reply) -> None:
    assert "update" in str(refusal(start(reply).url))


def _without(name: str) -> bytes:
    return json.dumps({key: ANSWER[key] for key in ANSWER if key != name}).encode()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>Welcome to the hotel</html>"),
        Reply(402, b"<html>Please pay</html>"),
        Reply(body=b""),
        Reply(204, b""),
        Reply(201, PLAIN),
        Reply(body=b"[]"),
        Reply(body=_without("end")),
        Reply(body=PLAIN.replace(b'"end": true', b'"end": false')),
        Reply(body=_without("limits")),
        Reply(body=PLAIN.replace(b'"proto": 1', b'"proto": 2')),
        Reply(body=PLAIN.replace(b'"ok"', b'"fine"')),
        Reply(body=PLAIN[:-1]),
        Reply(body=PLAIN + b"{}"),
        Reply(body=PLAIN.replace(b"abab", "ü".encode()[:1])),
        Reply(body=b"[" * 1_000_000),
        Reply(body=PLAIN, headers={"Content-Encoding": "br"}),
        Reply(body=PLAIN, headers={"Content-Encoding": "gzip, zstd"}),
    ],
    ids=range(17),
)
def test_what_is_no_answer_of_ours(start: Start, reply: Reply) -> None:
    found = refusal(start(reply).url)
    assert isinstance(found, UnavailableError)
    assert "not as a PromptVault server" in str(found)


def _flipped(body: bytes, place: int) -> bytes:
    changed = bytearray(body)
    changed[place] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda body: b"",
        lambda body: body[:10],
        lambda body: body[:-1],
        lambda body: body[:-4],
        lambda body: body + b"x",
        lambda body: body + body,
        lambda body: _flipped(body, -1),
        lambda body: _flipped(body, len(body) // 2),
        lambda body: b"<html>Welcome</html>",
    ],
    ids=range(9),
)
def test_a_damaged_body_is_noticed(
    start: Start, encoding: str, damage: Callable[[bytes], bytes]
) -> None:
    good = packed(PLAIN, encoding)
    stub = start(Reply(200, damage(good.body), good.headers))
    assert isinstance(refusal(stub.url), UnavailableError)


def test_a_body_whose_end_is_only_in_its_encoding(start: Start) -> None:
    """The text is whole, its checksum is not there, and the server hangs up."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    body = packer.compress(PLAIN) + packer.flush(zlib.Z_SYNC_FLUSH)
    stub = start(Reply(200, b"", {"Content-Encoding": "gzip"}, parts=(body,)))
    assert "broke off" in str(refusal(stub.url))


@pytest.mark.parametrize("status", [200, 402, 500])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_more_than_anybody_asked_for(start: Start, status: int, encoding: str) -> None:
    reply = packed(bytes(70 * 1024 * 1024), encoding, status)
    assert "larger than 64 MiB" in str(refusal(start(reply).url))


def test_a_bomb_that_hides_its_size(start: Start) -> None:
    packer = zstandard.ZstdCompressor(level=19, write_content_size=False)
    body = packer.compress(bytes(512 * 1024 * 1024))
    assert len(body) < 100_000
    reply = Reply(200, body, {"Content-Encoding": "zstd"})
    assert isinstance(refusal(start(reply).url), UnavailableError)


def test_no_redirect_is_followed(start: Start) -> None:
    thief = start(GOOD)
    stub = start(Reply(307, b"", {"Location": f"{thief.url}/v1/sync?{TOKEN}"}))
    assert thief.url in str(refusal(stub.url))
    assert thief.asked == []


# Time


def test_a_server_that_says_nothing_is_asked_once(start: Start) -> None:
    stub = start(SILENCE)
    transport = Transport(parse_address(stub.url), TOKEN, read_seconds=0.2)
    with (
        Client(transport) as client,
        pytest.raises(UnavailableError, match="in time"),
    ):
        client.sync(REQUEST)
    assert len(stub.asked) == 1


def test_an_answer_that_trickles_has_an_end(start: Start) -> None:
    times = iter([0.0])
    stub = start(Reply(parts=(b" ", PLAIN)))
    transport = Transport(
        parse_address(stub.url), TOKEN, clock=lambda: next(times, 301.0)
    )
    with (
        Client(transport) as client,
        pytest.raises(UnavailableError, match="in time"),
    ):
        client.sync(REQUEST)
    assert len(stub.asked) == 1
