"""Bodies: limited in length, before and after decompression."""

import gzip
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import zstandard
from fastapi import APIRouter, Request

from tests.server.conftest import Server

LIMIT = 1024 * 1024
INFLATED = 4 * LIMIT
probe = APIRouter()


@probe.post("/length")
async def length(request: Request) -> int:
    """Return the length of the body."""
    return len(await request.body())


@probe.post("/parsed")
async def parsed(body: dict[str, Any]) -> int:
    """Return the number of keys in the body."""
    return len(body)


@pytest.fixture
def probed(server: Server) -> Iterator[httpx.Client]:
    """Return a client of a server with the routes above."""
    server.app.include_router(probe)
    with server.client() as client:
        yield client


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield *data* in pieces, so that no length is announced."""
    for start in range(0, len(data), 50_000):
        yield data[start : start + 50_000]


COMPRESS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", ["/length", "/parsed"])
def test_a_body_beyond_the_limit_is_refused(
    probed: httpx.Client, path: str, announced: bool
) -> None:
    body = b'{"a": "' + b"x" * LIMIT + b'"}'
    content = body if announced else _pieces(body)
    headers = {"Content-Type": "application/json"}
    answer = probed.post(path, content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_a_body_at_the_limit_is_read(probed: httpx.Client) -> None:
    assert probed.post("/length", content=b"x" * LIMIT).json() == LIMIT


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_is_inflated_up_to_its_limit(
    probed: httpx.Client, encoding: str, announced: bool
) -> None:
    for size, status in ((0, 200), (1, 200), (INFLATED, 200), (INFLATED + 1, 413)):
        body = COMPRESS[encoding](b"x" * size)
        answer = probed.post(
            "/length",
            content=body if announced else _pieces(body),
            headers={"Content-Encoding": encoding},
        )
        assert answer.status_code == status
        if status == 200:
            assert answer.json() == size


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_bomb_does_not_go_off(probed: httpx.Client, encoding: str) -> None:
    """It would be 300 MB in full."""
    body = COMPRESS[encoding](bytes(300_000_000))
    headers = {"Content-Encoding": encoding}
    assert probed.post("/length", content=body, headers=headers).status_code == 413


@pytest.mark.parametrize("encoding", COMPRESS)
def test_every_cut_and_what_follows_is_noticed(
    probed: httpx.Client, encoding: str
) -> None:
    whole = COMPRESS[encoding](json.dumps({"a": 1, "b": 2}).encode())
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    assert probed.post("/parsed", content=whole, headers=headers).json() == 2
    wrong = [whole[:cut] for cut in range(1, len(whole))]
    for body in (*wrong, whole + b"x", whole + whole, b"plain"):
        answer = probed.post("/parsed", content=body, headers=headers)
        assert answer.status_code == 400, body
        assert answer.json()["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_compressed_request_is_logged_and_counted_by_its_route(
    capfd: pytest.CaptureFixture[str],
    client: httpx.Client,
    server: Server,
    encoding: str,
) -> None:
    vault = {"id": client.get("/v1/me").json()["vaults"][0]["id"]}
    body = json.dumps({"proto": 1, "device": str(uuid4()), "vaults": [vault]})
    answer = client.post(
        "/v1/sync",
        content=COMPRESS[encoding](body.encode()),
        headers={"Content-Encoding": encoding, "Content-Type": "application/json"},
    )
    assert answer.status_code == 200
    counted = 'promptvault_requests_total{method="POST",route="sync",status="200"}'
    assert counted in client.get("/metrics").text
    server.stop()  # the line is logged after the answer
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["route"] for line in lines] == ["me", "sync", "prometheus"]


def test_other_compressions_are_refused(probed: httpx.Client) -> None:
    headers = {"Content-Encoding": "br"}
    answer = probed.post("/length", content=b"x", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "br"])
def test_without_a_body_an_encoding_does_no_harm(
    client: httpx.Client, encoding: str
) -> None:
    """Also not while an answer is sent, which would be cut off."""
    headers = {"Content-Encoding": encoding}
    answer = client.get("/v1/me/export", headers=headers)
    assert (answer.status_code, answer.json()) == (200, [])
    assert client.post("/v1/sync", headers=headers).status_code == 422
