"""A server that gives the answers of a test, and records the requests."""

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """A false Content-Length."""
    parts: tuple[bytes, ...] | None = None
    """Sent in place of a body, part by part, without Content-Length."""
    stays: bool = False
    """Whether the connection stays open after that, until the server stops."""


HANG_UP = Reply(status=0)
"""No answer at all."""
SILENCE = Reply(status=0, stays=True)
"""No answer, and no end."""


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    token: str | None
    body: bytes
    headers: dict[str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Keep stderr clean: clients that take fright hang up."""


class Stub:
    """Gives its replies one after the other, and the last one for ever."""

    def __init__(self, *replies: Reply, certificate: Path | None = None) -> None:
        self.replies = list(replies) or [Reply()]
        self.asked: list[Asked] = []
        self._end = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True
            )
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop, and free the port."""
        self._end.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                token = self.headers.get("Authorization")
                headers = dict(self.headers.items())
                stub.asked.append(Asked(self.command, self.path, token, body, headers))
                reply = stub._next()
                if reply.status:
                    self._begin(reply)
                    for part in reply.parts or (reply.body,):
                        self.wfile.write(part)
                if reply.stays:
                    stub._end.wait()

            def _begin(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.parts is None:
                    told = len(reply.body) if reply.length is None else reply.length
                    self.send_header("Content-Length", str(told))
                self.end_headers()

            do_GET = do_POST = do_DELETE = _answer

            def log_message(self, *_: object) -> None:
                """Keep stderr clean."""

        return Handler
