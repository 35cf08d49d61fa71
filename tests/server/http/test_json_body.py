"""JSON of a valid token: limited in depth and in values, small or large."""

import json
from uuid import uuid4

import httpx
import pytest

from tests.server.sync.conftest import new

JSON = {"Content-Type": "application/json"}


def _nested(depth: int, padding: int) -> bytes:
    value = b"[" * depth + b"]" * depth
    return b'{"padding": "%b", "value": %b}' % (b"x" * padding, value)


@pytest.mark.parametrize("padding", [0, 100_000])
def test_what_is_nested_too_deep_is_refused(client: httpx.Client, padding: int) -> None:
    body = _nested(100_000, padding)
    answer = client.post("/v1/sync", content=body, headers=JSON)
    assert answer.status_code == 422
    assert "nested deeper than 200 levels" in answer.json()["error"]["message"]


@pytest.mark.parametrize("value", [b"1", b'""', b"[]", b"{}"])
def test_so_many_values_are_refused(client: httpx.Client, value: bytes) -> None:
    body = b"[" + b",".join([value] * 260_000) + b"]"
    answer = client.post("/v1/sync", content=body, headers=JSON)
    assert answer.status_code == 413
    assert "more than 250000 values" in answer.json()["error"]["message"]


def test_marks_within_a_text_are_no_values(client: httpx.Client) -> None:
    vault = client.get("/v1/me").json()["vaults"][0]["id"]
    text = '[{,\\"' * 20_000
    pushes = [new(text), *(new() for _ in range(20))]
    body = {
        "proto": 1,
        "device": str(uuid4()),
        "vaults": [{"id": vault, "push": pushes}],
    }
    answer = client.post("/v1/sync", json=body)
    assert [each["r"] for each in answer.json()["vaults"][0]["results"]] == ["ok"] * 21


@pytest.mark.parametrize("padding", [0, 100_000])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"a" 1}', b"nonsense"])
def test_what_is_no_json_is_refused(
    client: httpx.Client, body: bytes, padding: int
) -> None:
    answer = client.post("/v1/sync", content=body + b" " * padding, headers=JSON)
    assert answer.status_code == 422


def test_a_wrong_push_among_many_is_named(client: httpx.Client) -> None:
    pushes = [*(new() for _ in range(20)), {"kind": "head"}]
    vault = {"id": str(uuid4()), "push": pushes}
    body = {"proto": 1, "device": str(uuid4()), "vaults": [vault]}
    answer = client.post("/v1/sync", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert "body.vaults.0.push.20.head.item" in answer.json()["error"]["message"]
