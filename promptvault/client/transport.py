"""HTTP requests to one server: timeouts, retries, size limits, errors."""

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import httpx
from pydantic import ValidationError

from promptvault import __version__
from promptvault.client.address import Address
from promptvault.client.request_error import (
    CONNECTION_FAILURES,
    ConnectionLostError,
    UnknownEncodingError,
    connection_error,
    error_from_response,
    not_promptvault,
)
from promptvault.client.retry import NO_RETRY, RETRY_IF_ASKED, RETRY_READ, RetryPolicy
from promptvault.errors import (
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)
from promptvault.wire.decompression import (
    ENCODINGS,
    BodyTooLargeError,
    DamagedBodyError,
    decompress,
    decompressor,
)

_T = TypeVar("_T")

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_LONGEST_ANSWER = 300.0
"""Seconds for a whole answer: one that trickles meets none of the other timeouts."""
_LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, decompressed."""
_REDACTED = "(hidden)"
_USUAL = {"GET": RETRY_READ, "DELETE": RETRY_IF_ASKED}


class Traffic(NamedTuple):
    """The number of requests, and the bytes of their bodies as compressed."""

    requests: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer."""

    status: int
    content: bytes = field(repr=False)
    """The body, decompressed."""
    retry_after: float | None
    """Seconds, None if the header is absent or a date."""


class Transport:
    """A connection to one server, with the token of a user or without one."""

    def __init__(
        self,
        address: Address,
        token: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        read_seconds: float = _READ_SECONDS,
    ) -> None:
        self._address = address
        self._token = token
        self._sleep, self._clock = sleep, clock
        self._has_answered = False
        self.traffic = Traffic()
        self._http = httpx.Client(
            headers=_headers(token),
            timeout=httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS),
            # The token would be sent to the address that the answer names.
            follow_redirects=False,
            # A proxy cannot reach a server on this computer.
            trust_env=not address.is_local,
            verify=_trust(address),
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(
        self, method: str, path: str, *, form: Mapping[str, str] | None = None
    ) -> bytes:
        """Send a request and return the body of the answer.

        A GET or DELETE is sent again if the server asks for it, a GET also if the
        connection breaks off. Raise the error that the server reports, and
        UnavailableError if there is no answer or not one of a PromptVault server.
        """
        answer = self.request(method, path, _USUAL.get(method, NO_RETRY), form=form)
        return self.content(answer)

    def request(
        self,
        method: str,
        path: str,
        retry: RetryPolicy,
        *,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        on_wait: Callable[[float], None] | None = None,
    ) -> HttpAnswer:
        """Send a request and return the answer, with any status.

        *on_wait* is called with the seconds before each wait. Raise UnavailableError if
        there is no complete answer.
        """
        request = self._build_request(
            method, path, data=form, content=content, headers=headers
        )
        for backoff in retry.pauses:
            wait = self._try(request, retry, backoff)
            if isinstance(wait, HttpAnswer):
                return wait
            if on_wait is not None:
                on_wait(wait)
            self._sleep(wait)
        return self._exchange(request)

    def send_json(self, method: str, path: str, body: bytes) -> bytes:
        """Send *body*, once, and return the body of the answer; raises as `send`."""
        answer = self.request(
            method,
            path,
            NO_RETRY,
            content=body,
            headers={"Content-Type": "application/json"},
        )
        return self.content(answer)

    def parsed(self, parse: Callable[[bytes], _T], content: bytes) -> _T:
        """Return what *parse*, of a pydantic model, makes of the body of an answer.

        Raises UnavailableError if it is not one of a PromptVault server.
        """
        try:
            return parse(content)
        except ValidationError:
            raise self.not_promptvault() from None

    @contextlib.contextmanager
    def stream(self, path: str, read_seconds: float) -> Iterator[httpx.Response]:
        """Open a response that is read as it arrives, and close it after the block.

        *read_seconds* is the longest time without data. Exceptions in the block are
        translated as those of `request` are.
        """
        request = self._build_request(
            "GET",
            path,
            headers={"Accept": "text/event-stream", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS),
        )
        with self._translated_errors(), self._opened(request) as response:
            if response.status_code != 200:
                raise self.error(self._answer(response))
            yield response

    def content(self, answer: HttpAnswer) -> bytes:
        """Return the body of an answer 2xx; raise the error of any other."""
        if 200 <= answer.status < 300:
            return answer.content
        raise self.error(answer)

    def not_promptvault(self) -> UnavailableError:
        """Return the error for an answer that is not one of a PromptVault server."""
        return not_promptvault(self._address.host)

    def connection_lost(self) -> UnavailableError:
        """Return the error for a response that ended too early."""
        return ConnectionLostError(self._address.host)

    def error(self, answer: HttpAnswer) -> PromptVaultError:
        """Return the error for an answer with an error status; it hides the token."""
        host = self._address.host
        error = error_from_response(
            host, answer.status, answer.content, answer.retry_after
        )
        if isinstance(error, RateLimitedError) and error.retry_after:
            seconds = f"{error.retry_after:.0f} seconds"
            message = f"{error} Try again in {seconds}."
            error = RateLimitedError(message, error.retry_after)
        return self._cleaned(error)

    def _build_request(self, method: str, path: str, **fields: Any) -> httpx.Request:
        try:
            return self._http.build_request(method, self._address.url + path, **fields)
        except httpx.InvalidURL as error:
            raise self._connection_error(error) from None

    def _try(
        self, request: httpx.Request, retry: RetryPolicy, backoff: float
    ) -> HttpAnswer | float:
        """Return the answer, or the seconds to wait before the next attempt."""
        try:
            answer = self._exchange(request)
        except ConnectionLostError:
            if retry.is_idempotent:
                return backoff
            raise
        pause = retry.pause(answer.status, answer.retry_after, backoff)
        return answer if pause is None else pause

    def _exchange(self, request: httpx.Request) -> HttpAnswer:
        count = self.traffic
        sent = count.sent + len(request.content)
        self.traffic = count._replace(requests=count.requests + 1, sent=sent)
        with self._translated_errors(), self._opened(request) as response:
            answer = self._answer(response)
        self._has_answered = True
        return answer

    @contextlib.contextmanager
    def _opened(self, request: httpx.Request) -> Iterator[httpx.Response]:
        response = self._http.send(request, stream=True)
        try:
            self._refuse_redirect(response)
            yield response
        finally:
            response.close()

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except CONNECTION_FAILURES as error:
            raise self._connection_error(error) from None

    def _answer(self, response: httpx.Response) -> HttpAnswer:
        encoding = response.headers.get("Content-Encoding", "")
        content = _decompressed(self._parts(response), encoding)
        return HttpAnswer(response.status_code, content, _retry_after(response))

    def _parts(self, response: httpx.Response) -> Iterator[bytes]:
        end = self._clock() + _LONGEST_ANSWER
        # httpx would not notice that a compressed body is cut off.
        for part in response.iter_raw():
            received = self.traffic.received + len(part)
            self.traffic = self.traffic._replace(received=received)
            yield part
            if self._clock() > end:
                raise httpx.ReadTimeout("too slow", request=response.request)

    def _refuse_redirect(self, response: httpx.Response) -> None:
        if not response.has_redirect_location:
            return
        try:
            target = httpx.URL(response.headers["Location"])
            place = str(httpx.URL(response.url).join(target).copy_with(query=None))
        except (httpx.InvalidURL, ValueError):
            raise self.not_promptvault() from None
        raise self._cleaned(
            UnavailableError(
                f"{self._address.host} redirects to {place}, which is not followed with"
                " a token: if that address is right, give it with --server."
            )
        )

    def _cleaned(self, error: PromptVaultError) -> PromptVaultError:
        """Return *error* without the token, which a server may quote in its message."""
        if self._token:
            error.args = (str(error).replace(self._token, _REDACTED),)
        return error

    def _connection_error(self, error: Exception) -> UnavailableError:
        return connection_error(
            self._address.host, error, has_answered=self._has_answered
        )


def _decompressed(parts: Iterator[bytes], encoding: str) -> bytes:
    """Return the body that arrives in *parts*; raise one of CONNECTION_FAILURES."""
    encoding = encoding.strip().lower()
    stream = decompressor(encoding)
    if stream is None and encoding not in {"", "identity"}:
        raise UnknownEncodingError
    body, left = [], _LARGEST_ANSWER
    for part in parts:
        body.append(decompress(stream, part, left) if stream else part)
        left -= len(body[-1])
        if left < 0:
            raise BodyTooLargeError
    if stream is not None and not stream.eof:
        raise DamagedBodyError
    return b"".join(body)


def _trust(address: Address) -> ssl.SSLContext:
    """Return the trusted authorities; none without encryption, which saves time."""
    if address.is_encrypted:
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _headers(token: str | None) -> dict[str, str]:
    headers = {
        "User-Agent": f"promptvault/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": ", ".join(ENCODINGS),
    }
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After, None if it is absent or a date."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else None
