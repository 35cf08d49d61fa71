"""A process that sends pushes as fast as they are answered, over 16 connections."""

import asyncio
import json
import sys
import time
from typing import Any, NamedTuple
from uuid import UUID, uuid4, uuid5

CONNECTIONS = 16
_TEXT = "Act as a careful reviewer of code. " * 29
_HEAD = (
    "POST /v1/sync HTTP/1.1\r\nHost: benchmark\r\nAuthorization: Bearer {token}\r\n"
    "Accept-Encoding: zstd, gzip\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n\r\n"
)


class Target(NamedTuple):
    """A vault, and a device that has read all of it."""

    token: str
    vault: str
    epoch: str
    device: str
    seq: int = 0
    item: str = ""
    """The prompt that each push changes; empty if each push makes new ones."""

    def request(self, count: int = 1) -> bytes:
        """Return a request that pushes *count* prompts of 1 KB."""
        cursor = {"epoch": self.epoch, "seq": self.seq}
        vault = {"id": self.vault, "cursor": cursor, "push": self._pushes(count)}
        body = {"proto": 1, "device": self.device, "vaults": [vault]}
        return self.framed(json.dumps(body).encode())

    def _pushes(self, count: int) -> list[dict[str, Any]]:
        if not self.item:
            return [_push(str(uuid4()), str(uuid4()), None) for _ in range(count)]
        revs = [str(uuid5(UUID(self.item), str(self.seq + n))) for n in (0, 1)]
        return [_push(self.item, revs[1], revs[0] if self.seq else None)]

    def framed(self, body: bytes) -> bytes:
        """Return *body* as a request of HTTP."""
        head = _HEAD.format(token=self.token, length=len(body))
        return head.encode() + body

    def pull(self) -> bytes:
        """Return a request that reads from the beginning."""
        vaults = [{"id": self.vault}]
        body = {"proto": 1, "device": self.device, "vaults": vaults}
        return self.framed(json.dumps(body).encode())


def _push(item: str, rev: str, base: str | None) -> dict[str, Any]:
    version = str(uuid4())
    return {
        "kind": "head",
        "item": item,
        "rev": rev,
        "base": base,
        "payload": {"name": f"bench/{version}", "labels": {}, "version": version},
        "versions": [
            {
                "id": version,
                "body": _TEXT,
                "template": False,
                "variables": {},
                "message": "",
                "author": {"name": "Ada", "email": "ada@example.org"},
                "created_at": "2026-05-01T09:30:00.000Z",
            }
        ],
    }


class Connection:
    """A kept connection, and the part of HTTP that a benchmark needs."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> "Connection":
        """Connect to a server."""
        host, _, port = url.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def ask(self, request: bytes) -> tuple[float, bytes]:
        """Send *request*; return the seconds it took and the answer's body."""
        start = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith((b"http/1.1 200", b"http/1.1 204")), head
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        body = await self._reader.readexactly(length)
        return time.perf_counter() - start, body

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def _drive(url: str, targets: list[Target], until: float) -> list[float]:
    """Push to each target in turn; a push moves the vault, and so the cursor."""
    connection, times, turn = await Connection.open(url), [], 0
    while time.perf_counter() < until:
        target = targets[turn % len(targets)]
        seconds, _ = await connection.ask(target.request())
        targets[turn % len(targets)] = target._replace(seq=target.seq + 1)
        times.append(seconds)
        turn += 1
    connection.close()
    return times


async def _run(url: str, targets: list[Target], seconds: float) -> dict[str, Any]:
    until = time.perf_counter() + seconds
    shares = [targets[number::CONNECTIONS] for number in range(CONNECTIONS)]
    times = await asyncio.gather(*(_drive(url, share, until) for share in shares))
    moved = {target.vault: target.seq for share in shares for target in share}
    return {
        "times": [each for one in times for each in one],
        "seqs": [moved[target.vault] for target in targets],
    }


if __name__ == "__main__":
    given = [Target(*each) for each in json.load(sys.stdin)]
    print(json.dumps(asyncio.run(_run(sys.argv[1], given, float(sys.argv[2])))))
