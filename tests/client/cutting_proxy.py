"""A proxy that passes so many bytes of a connection, and then cuts it."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

Way = Literal["request", "answer"]


@dataclass(frozen=True)
class Cut:
    """Where a connection ends."""

    way: Way
    after: int
    """Bytes of the request or of the answer; no more of them pass."""


class CuttingProxy:
    """Stands before the server at *url*, on a port of its own.

    *replaced* and what it becomes stand in the first bytes of requests: a proxy may
    take less than a client offers.
    """

    def __init__(self, url: str, replaced: bytes = b"", by: bytes = b"") -> None:
        place = urlsplit(url)
        self._server = (place.hostname, place.port)
        self._replaced, self._by = replaced, by
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts: list[Cut] = []
        """For the connections to come, one each; the others stay whole."""
        self.passed: dict[Way, bytes] = {"request": b"", "answer": b""}
        """What went through on the last connection."""
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _run(self, target: Callable[..., None], *values: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=values)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._run(self._serve, client, self.cuts.pop(0) if self.cuts else None)

    def _serve(self, client: socket.socket, cut: Cut | None) -> None:
        self.passed = {"request": b"", "answer": b""}
        with client, socket.create_connection(self._server) as server:
            back = self._run(self._pass_on, "answer", server, client, cut)
            self._pass_on("request", client, server, cut)
            back.join()

    def _pass_on(
        self, way: Way, source: socket.socket, target: socket.socket, cut: Cut | None
    ) -> None:
        left = cut.after if cut and cut.way == way else None
        with contextlib.suppress(OSError):
            while left != 0 and (data := source.recv(65536)):
                if way == "request":
                    data = data.replace(self._replaced, self._by, 1)
                data = data[:left]
                left = None if left is None else left - len(data)
                self.passed[way] += data  # before the client can know of it
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
