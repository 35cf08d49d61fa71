"""A server that speaks the Chat Completions protocol over a socket, with faults.

Tests script its answers, and read its requests.
"""

import contextlib
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "test-model"


@dataclass(frozen=True)
class Text:
    """An answer; streamed, it comes in *pieces* (else word by word)."""

    text: str
    pieces: Sequence[str] = ()
    usage: tuple[int, int] | None = (20, 10)
    """Tokens sent and received, None for a server that does not count."""
    finish: str = "stop"
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds between pieces."""


@dataclass(frozen=True)
class Status:
    """An error of the server."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=lambda: {"message": "no"})
    body: bytes = b""
    """In place of the error, as a proxy's page."""


@dataclass(frozen=True)
class Cut:
    """An answer whose connection ends after these pieces, without an end mark."""

    pieces: Sequence[str] = ()


@dataclass(frozen=True)
class Raw:
    """Any bytes as the body, with status 200."""

    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class Parts:
    """Any bytes as a stream of events, split as they are here."""

    parts: Sequence[bytes]


Reply = Text | Status | Cut | Raw | Parts
Body = dict[str, Any]


def json_text(value: object, **more: Any) -> Text:
    """Return an answer in JSON."""
    return Text(json.dumps(value), **more)


@dataclass(frozen=True)
class Asked:
    """A received request."""

    body: Body
    headers: Mapping[str, str]
    path: str
    time: float
    """By `time.monotonic`."""

    @property
    def text(self) -> str:
        """Every message's text, one after the other."""
        return "\n".join(message["content"] for message in self.body["messages"])


class ModelServer:
    """Answers with the scripted replies, then with the results of `answer`."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.answer: Callable[[Body], Reply] = lambda _: Text("Hello from the model.")
        self.streams = True
        """False answers in one piece even if a stream is asked for."""
        self._script: deque[Reply] = deque()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def script(self, *replies: Reply) -> None:
        """Answer the next requests with *replies*, in turn."""
        with self._lock:
            self._script.extend(replies)

    def start(self) -> None:
        """Start the server."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port, as a server that is down."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def reply_to(self, asked: Asked) -> Reply:
        """Record the request, and return the answer."""
        with self._lock:
            self.requests.append(asked)
            scripted = self._script.popleft() if self._script else None
        return scripted or self.answer(asked.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: ModelServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about closed connections: tests read stderr."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # otherwise each answer waits 40 ms for its second half
    )
    server: _Server

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(size))
        asked = Asked(body, dict(self.headers), self.path, time.monotonic())
        reply = self.server.owner.reply_to(asked)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send(reply, body)

    def _send(self, reply: Reply, body: Body) -> None:
        match reply:
            case Status():
                text = reply.body or json.dumps({"error": reply.error}).encode()
                self._whole(text, "application/json", reply.code, reply.headers)
            case Raw():
                self._whole(reply.body, reply.content_type)
            case Parts():
                self._begin_stream()
                for part in reply.parts:
                    self._write(part)
                self.wfile.write(b"0\r\n\r\n")
            case Cut():
                if self._streams(body):
                    self._begin_stream()
                    for piece in reply.pieces:
                        self._event(_chunk(body, {"content": piece}))
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"id": "x", "choices": [')
                self.close_connection = True
            case Text():
                time.sleep(reply.delay)
                if self._streams(body):
                    self._stream(reply, body)
                else:
                    text = json.dumps(_completion(reply, body)).encode()
                    self._whole(text, "application/json")

    def _streams(self, body: Body) -> bool:
        return bool(body.get("stream")) and self.server.owner.streams

    def _whole(
        self,
        body: bytes,
        content_type: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _stream(self, reply: Text, body: Body) -> None:
        self._begin_stream()
        for piece in reply.pieces or _words(reply.text):
            self._event(_chunk(body, {"content": piece}))
            time.sleep(reply.pause)
        self._event(_chunk(body, {}, reply.finish))
        wants_usage = (body.get("stream_options") or {}).get("include_usage")
        if reply.usage and wants_usage:
            last = _chunk(body, {}) | {"choices": [], "usage": _usage(reply.usage)}
            self._event(last)
        self._write(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, value: object) -> None:
        self._write(f"data: {json.dumps(value)}\n\n".encode())

    def _write(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _words(text: str) -> Iterator[str]:
    first, *rest = text.split(" ")
    yield from (first, *(f" {word}" for word in rest))


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    sent, received = usage
    return {
        "prompt_tokens": sent,
        "completion_tokens": received,
        "total_tokens": sent + received,
    }


def _chunk(body: Body, delta: object, finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _completion(reply: Text, body: Body) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
    }
    return completion | ({"usage": _usage(reply.usage)} if reply.usage else {})
