"""A process that pushes as many devices, each as fast as it is answered."""

import asyncio
import json
import math
import re
import sys
import time

import zstandard

from tests.benchmarks.sync_load import Connection, Target

_SEQ = re.compile(rb'"cursor":\{[^}]*?"seq":(\d+)')


async def push(
    url: str, target: Target, seconds: float, pause: float = 0.0
) -> tuple[list[float], Target]:
    """Push for *seconds*; return the duration of each answer, and the vault's position.

    The device reads what others have pushed meanwhile, as a real one does.
    """
    connection, times = await Connection.open(url), []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        taken, body = await connection.ask(target.request())
        times.append(taken)
        target = target._replace(seq=_seq(body))
        await asyncio.sleep(pause)
    connection.close()
    return times, target


def _seq(body: bytes) -> int:
    if body[:4] == zstandard.FRAME_HEADER:
        body = zstandard.decompress(body)
    found = _SEQ.search(body)
    assert found is not None, body[:1000]
    return int(found[1])


async def _push_all(url: str, devices: list[Target]) -> None:
    await asyncio.gather(*(push(url, each, math.inf) for each in devices))


if __name__ == "__main__":
    given = [Target(*each) for each in json.loads(sys.stdin.readline())]
    print("begun", flush=True)
    asyncio.run(_push_all(sys.argv[1], given))
