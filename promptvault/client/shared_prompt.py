"""Fetching a shared prompt from any server, without a token of ours."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from promptvault import __version__
from promptvault.client.address import Address, parse_address
from promptvault.client.request_error import (
    CONNECTION_FAILURES,
    connection_error,
    error_from_response,
    not_promptvault,
)
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    PromptVaultError,
    TooLargeError,
    UnavailableError,
)
from promptvault.wire.share import SharedPrompt

_SECONDS = 10.0
_LARGEST = 1024 * 1024
_MOST_REDIRECTS = 3
_JSON = "application/json"
_HEADERS = {
    "User-Agent": f"promptvault/{__version__}",
    "Accept": _JSON,
    # A small compressed answer can be a very large text.
    "Accept-Encoding": "identity",
}


def fetch_shared(
    url: str,
    password: str | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> SharedPrompt:
    """Return the prompt that a share shows; *url* is its link.

    Raises InvalidInputError for http to another computer, NotFoundError if the share is
    unknown or has ended, AuthenticationError if it needs another password, and
    UnavailableError.
    """
    place = urlsplit(url)
    try:
        address = parse_address(f"{place.scheme}://{place.netloc}")
    except InvalidInputError:
        raise InvalidInputError(
            f"{place.netloc} would send the prompt unencrypted: the link must begin"
            " with https://."
        ) from None
    auth = None if password is None else httpx.BasicAuth("", password)
    with httpx.Client(
        headers=_HEADERS,
        auth=auth,
        timeout=httpx.Timeout(_SECONDS),
        trust_env=not address.is_local,
    ) as client:
        try:
            content = _Fetch(client, address, clock).get(f"{url}/json")
        except CONNECTION_FAILURES as error:
            raise connection_error(address.host, error, has_answered=False) from None
    return _parsed(content, url, address)


class _Fetch:
    """The requests for one prompt: more than one if the server redirects."""

    def __init__(
        self, client: httpx.Client, address: Address, clock: Callable[[], float]
    ) -> None:
        self._client, self._address, self._clock = client, address, clock
        self._place = httpx.URL(address.url)
        self._end = clock() + _SECONDS

    def get(self, url: str) -> bytes:
        for _ in range(_MOST_REDIRECTS + 1):
            with self._client.stream("GET", url) as response:
                if not response.has_redirect_location:
                    return self._content(response)
                self._check_time(response)
                url = self._target(response)
        raise UnavailableError(f"{self._address.host} redirects too often.")

    def _target(self, response: httpx.Response) -> str:
        """Return where a redirect leads, which must be on the same server."""
        target = response.url.join(response.headers["Location"])
        if _origin(target) != _origin(self._place):
            raise UnavailableError(
                f"{self._address.host} redirects to {target.host}, which is another"
                " server: ask for a new link."
            )
        return str(target)

    def _content(self, response: httpx.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise not_promptvault(self._address.host)
        parts, size = [], 0
        for part in response.iter_raw():
            parts.append(part)
            size += len(part)
            if size > _LARGEST:
                raise TooLargeError(
                    f"{self._address.host} sends more than 1 MiB, which no shared"
                    " prompt has."
                )
            self._check_time(response)
        content = b"".join(parts)
        if response.status_code == 200:
            kind = response.headers.get("Content-Type", "")
            if kind.partition(";")[0].strip() != _JSON:
                raise not_promptvault(self._address.host)
            return content
        raise self._error(response.status_code, content)

    def _check_time(self, response: httpx.Response) -> None:
        if self._clock() > self._end:
            raise httpx.ReadTimeout("too slow", request=response.request)

    def _error(self, status: int, content: bytes) -> PromptVaultError:
        if status == AuthenticationError.status_code:
            return AuthenticationError(
                "This is not the password of the share."
                if self._client.auth
                else "The share needs a password: give it with --password-file."
            )
        return error_from_response(self._address.host, status, content, None)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return what decides which server *url* is on; a usual port is None."""
    return url.scheme, url.host, url.port


def _parsed(content: bytes, url: str, address: Address) -> SharedPrompt:
    try:
        shared = SharedPrompt.model_validate_json(content)
    except ValidationError:
        raise not_promptvault(address.host) from None
    # What another server says about its address does not matter.
    return shared.model_copy(update={"url": url, "tags": []})
