"""Requests over HTTP: what is sent where, how often, and how much may come back."""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from promptvault import __version__
from promptvault.client.address import Address
from promptvault.client.failure import failure, stranger
from promptvault.errors import (
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_TRIES = 3
_LONGEST_WAIT = 20.0
"""Seconds; whoever is to wait longer is told so and can go on with something else."""
_LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes, inflated."""
_HIDDEN = "(hidden)"
_IDEMPOTENT = {"GET", "DELETE", "PUT"}


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
    ) -> None:
        self._address = address
        self._token = token
        self._sleep = sleep
        self._http = httpx.Client(
            headers=_headers(token),
            timeout=_TIMEOUT,
            # It would lead the token to wherever the answer says.
            follow_redirects=False,
            # A proxy has no way to this computer, and no business with it.
            trust_env=not address.is_local,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> bytes:
        """Send a request and return the body of the answer.

        What is *idempotent*, as every GET and DELETE is, is tried again where the
        server asks for it. Raises the error that the server tells of, UnavailableError
        where there is no answer, or none of a PromptVault server.
        """
        again = method in _IDEMPOTENT if idempotent is None else idempotent
        for left in reversed(range(_TRIES if again else 1)):
            answer = self._ask(method, path, form)
            if not (left and self._may_wait(answer)):
                break
            self._sleep(answer.retry_after or 0)
        if 200 <= answer.status < 300:
            return answer.content
        raise self._cleaned(self._error(answer))

    def stranger(self) -> UnavailableError:
        """Return the error for an answer that makes no sense."""
        return stranger(self._address.host)

    def _ask(self, method: str, path: str, form: Mapping[str, str] | None) -> Answer:
        url = self._address.url + path
        try:
            with self._http.stream(method, url, data=form) as response:
                self._refuse_redirect(response)
                content = self._content(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._unreachable(error) from None
        return Answer(response.status_code, content, _retry_after(response))

    def _content(self, response: httpx.Response) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > _LARGEST_ANSWER:
                raise UnavailableError(
                    f"{self._address.host} answers with more than anybody asked for."
                )
        return bytes(content)

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

    def _may_wait(self, answer: Answer) -> bool:
        if answer.status not in {429, 503} or answer.retry_after is None:
            return False
        return answer.retry_after <= _LONGEST_WAIT

    def _error(self, answer: Answer) -> PromptVaultError:
        host = self._address.host
        error = failure(host, answer.status, answer.content, answer.retry_after)
        if isinstance(error, RateLimitedError) and error.retry_after:
            seconds = f"{error.retry_after:.0f} seconds"
            message = f"{error} Try again in {seconds}."
            return RateLimitedError(message, error.retry_after)
        return error

    def _cleaned(self, error: PromptVaultError) -> PromptVaultError:
        """Return *error* without the token, which a server might quote."""
        if self._token:
            error.args = (str(error).replace(self._token, _HIDDEN),)
        return error

    def _unreachable(self, error: Exception) -> UnavailableError:
        host = self._address.host
        if isinstance(error, httpx.TimeoutException):
            return UnavailableError(f"{host} does not answer in time.")
        certificate = _find_cause(error, ssl.SSLCertVerificationError)
        if certificate is not None:
            reason = certificate.verify_message
            return UnavailableError(
                f"{host} has a certificate that is not trusted here ({reason})."
                " SSL_CERT_FILE can name the authority that signed it."
            )
        if isinstance(error, httpx.ConnectError):
            return UnavailableError(
                f"{host} cannot be reached: are you online, and is the address right?"
            )
        return UnavailableError(f"The connection to {host} broke off: try again.")


def _headers(token: str | None) -> dict[str, str]:
    headers = {
        "User-Agent": f"promptvault/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the server asks us to wait; a date is not read."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else None


def _find_cause(error: BaseException, kind: type[Any]) -> Any:
    """Return the exception of *kind* that lies behind *error*."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen
