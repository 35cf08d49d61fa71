"""Requests over HTTP: what is sent where, how often, and how much may come back."""

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from promptvault import __version__
from promptvault.client.address import Address
from promptvault.client.failure import failure, stranger
from promptvault.client.inflation import ACCEPTED, inflate
from promptvault.client.no_answer import FAILURES, BrokenOffError, no_answer
from promptvault.client.patience import AS_TOLD, ONCE, READING, Patience
from promptvault.errors import (
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_LONGEST_ANSWER = 300.0
"""Seconds; one that trickles never meets the other limits."""
_LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, inflated."""
_HIDDEN = "(hidden)"
_USUAL = {"GET": READING, "DELETE": AS_TOLD}


class Traffic(NamedTuple):
    """What went over the wire so far; bytes are those of bodies, compressed."""

    requests: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    content: bytes = field(repr=False)
    retry_after: float | None


class Transport:
    """A connection to one server, as one user or as nobody."""

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
        self._has_met = False
        self.traffic = Traffic()
        self._http = httpx.Client(
            headers=_headers(token),
            timeout=httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS),
            # It would lead the token to wherever the answer says.
            follow_redirects=False,
            # A proxy has no way to this computer, and no business with it.
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

        A GET and a DELETE are tried again where the server asks for it, a GET also
        where the connection breaks off. Raises the error that the server tells of,
        UnavailableError where there is no answer, or none of a PromptVault server.
        """
        answer = self.ask(method, path, _USUAL.get(method, ONCE), form=form)
        return self.content(answer)

    def ask(
        self,
        method: str,
        path: str,
        patience: Patience,
        *,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        on_wait: Callable[[float], None] | None = None,
    ) -> Answer:
        """Send a request and return the answer, whatever its status is.

        *on_wait* is told the seconds before each wait. Raises UnavailableError where
        there is no whole answer.
        """
        request = self._request(
            method, path, data=form, content=content, headers=headers
        )
        for backoff in patience.pauses:
            wait = self._try(request, patience, backoff)
            if isinstance(wait, Answer):
                return wait
            if on_wait is not None:
                on_wait(wait)
            self._sleep(wait)
        return self._exchange(request)

    @contextlib.contextmanager
    def stream(self, path: str, read_seconds: float) -> Iterator[httpx.Response]:
        """Open an answer of the server's that has no end, and close it in the end.

        Errors are those of `ask`, also those of reading it.
        """
        request = self._request(
            "GET",
            path,
            headers={"Accept": "text/event-stream", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS),
        )
        with self._translated(), self._opened(request) as response:
            if response.status_code != 200:
                raise self.error(self._answer(response))
            yield response

    def content(self, answer: Answer) -> bytes:
        """Return the body of a good answer; raises the error that another tells of."""
        if 200 <= answer.status < 300:
            return answer.content
        raise self.error(answer)

    def stranger(self) -> UnavailableError:
        """Return the error for an answer that makes no sense."""
        return stranger(self._address.host)

    def broken_off(self) -> UnavailableError:
        """Return the error for an answer that ended too early."""
        return BrokenOffError(self._address.host)

    def error(self, answer: Answer) -> PromptVaultError:
        """Return the error that an answer tells of, without the token."""
        host = self._address.host
        error = failure(host, answer.status, answer.content, answer.retry_after)
        if isinstance(error, RateLimitedError) and error.retry_after:
            seconds = f"{error.retry_after:.0f} seconds"
            message = f"{error} Try again in {seconds}."
            error = RateLimitedError(message, error.retry_after)
        return self._cleaned(error)

    def _request(self, method: str, path: str, **fields: Any) -> httpx.Request:
        try:
            return self._http.build_request(method, self._address.url + path, **fields)
        except httpx.InvalidURL as error:
            raise self._no_answer(error) from None

    def _try(
        self, request: httpx.Request, patience: Patience, backoff: float
    ) -> Answer | float:
        """Return the answer, or the seconds after which to ask again."""
        try:
            answer = self._exchange(request)
        except BrokenOffError:
            if patience.may_repeat:
                return backoff
            raise
        pause = patience.pause(answer.status, answer.retry_after, backoff)
        return answer if pause is None else pause

    def _exchange(self, request: httpx.Request) -> Answer:
        count = self.traffic
        sent = count.sent + len(request.content)
        self.traffic = count._replace(requests=count.requests + 1, sent=sent)
        with self._translated(), self._opened(request) as response:
            answer = self._answer(response)
        self._has_met = True
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
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            raise self._no_answer(error) from None

    def _answer(self, response: httpx.Response) -> Answer:
        encoding = response.headers.get("Content-Encoding", "")
        content = inflate(self._parts(response), encoding, _LARGEST_ANSWER)
        return Answer(response.status_code, content, _retry_after(response))

    def _parts(self, response: httpx.Response) -> Iterator[bytes]:
        end = self._clock() + _LONGEST_ANSWER
        # Not inflated by httpx, which does not see that a body lacks its end.
        for part in response.iter_raw():
            received = self.traffic.received + len(part)
            self.traffic = self.traffic._replace(received=received)
            yield part
            if self._clock() > end:
                raise httpx.ReadTimeout("it trickles", request=response.request)

    def _refuse_redirect(self, response: httpx.Response) -> None:
        if not response.has_redirect_location:
            return
        try:
            target = httpx.URL(response.headers["Location"])
            place = str(httpx.URL(response.url).join(target).copy_with(query=None))
        except (httpx.InvalidURL, ValueError):
            raise self.stranger() from None
        raise self._cleaned(
            UnavailableError(
                f"{self._address.host} sends us on, which is not followed with a token:"
                f" if it is right, give its address with --server (it says {place})."
            )
        )

    def _cleaned(self, error: PromptVaultError) -> PromptVaultError:
        """Return *error* without the token, which a server might quote."""
        if self._token:
            error.args = (str(error).replace(self._token, _HIDDEN),)
        return error

    def _no_answer(self, error: Exception) -> UnavailableError:
        return no_answer(self._address.host, error, has_met=self._has_met)


def _trust(address: Address) -> ssl.SSLContext:
    """Return whom to trust: nobody where nothing is encrypted, which takes no time."""
    if address.is_encrypted:
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _headers(token: str | None) -> dict[str, str]:
    headers = {
        "User-Agent": f"promptvault/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": ACCEPTED,
    }
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the server asks us to wait; a date is not read."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else None
