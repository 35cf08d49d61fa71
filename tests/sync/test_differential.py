"""Requests follow the protocol, and a repeated one is equal byte by byte."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from promptvault.services.sync.conductor import Exchange
from promptvault.wire.sync import SyncAnswer, SyncRequest
from tests.sync.actions import DroppedError
from tests.sync.laptop import Laptop


class Recorder:
    """A proxy of the server that records requests, and may lose answers."""

    def __init__(self, losing: int = 0) -> None:
        self.requests: list[bytes] = []
        self._losing = losing

    def __call__(self, exchange: Exchange) -> Exchange:
        """Return a function that sends to *exchange*."""

        def send(request: bytes) -> SyncAnswer:
            self.requests.append(request)
            answer = exchange(request)
            if self._losing and _pushes(request):
                self._losing -= 1
                raise DroppedError
            return answer

        return send


def _pushes(request: bytes) -> list[dict[str, Any]]:
    pushes: list[dict[str, Any]] = json.loads(request)["vaults"][0]["push"]
    return pushes


@contextmanager
def _dropped() -> Iterator[None]:
    with pytest.raises(DroppedError):
        yield


def test_a_push_whose_answer_was_lost_is_sent_again_byte_by_byte(one: Laptop) -> None:
    recorder = Recorder(losing=2)
    one.add("a", "w1\n", tags=("tag",), title="Title")
    one.add("b", "w2\n")
    for _ in range(2):
        with _dropped():
            one.sync(recorder)
    one.sync(recorder)
    first, second, third = (r for r in recorder.requests if _pushes(r))
    assert first == second == third
    assert len(_pushes(first)) == 2


def test_every_kind_of_request_is_what_the_protocol_says(
    one: Laptop, two: Laptop
) -> None:
    recorder = Recorder()
    one.add("a", "w1\n")
    one.sync(recorder)
    two.sync(recorder)
    one.edit("a", "w2\n")
    two.edit("a", "w3\n")
    one.sync(recorder)
    two.sync(recorder)
    one.delete("a")
    one.sync(recorder)
    kinds = set()
    for request in recorder.requests:
        SyncRequest.model_validate_json(request)
        kinds |= {(push["kind"], push.get("deleted")) for push in _pushes(request)}
    assert kinds == {("head", False), ("head", True), ("side", None)}
