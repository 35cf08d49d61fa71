"""A real Redis on a Unix socket, which tests stop, fill and kill."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr
from redis.backoff import ConstantBackoff
from redis.retry import Retry


class RedisServer:
    """`redis-server` in a folder, with nothing stored on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.socket = folder, folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        waits = Retry(ConstantBackoff(0.02), 500)
        self.client = redis.Redis(
            unix_socket_path=str(self.socket),
            retry=waits,
            retry_on_error=[redis.ConnectionError],
            decode_responses=True,
        )

    @property
    def url(self) -> SecretStr:
        """Its address, as in the settings."""
        return SecretStr(f"unix://{self.socket}")

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *("redis-server", "--port", "0", "--unixsocket", str(self.socket)),
                *("--save", "", "--dir", str(self._folder)),
            ],
            stdout=subprocess.DEVNULL,
        )
        self.client.ping()

    def signal(self, number: int) -> None:
        """Send a signal, such as SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash does."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def keys(self, pattern: str = "*") -> dict[Any, Any]:
        """Return all strings by their keys."""
        return {key: self.client.get(key) for key in self.client.keys(pattern)}


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis while the block runs."""
    if not shutil.which("redis-server"):
        missing = "redis-server is not installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.client.close()
        server.kill()
