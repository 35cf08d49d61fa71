"""Errors of requests: the answer has an error status, or there is no whole answer.

All are classes of `errors`.
"""

import ssl
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from promptvault.errors import (
    AuthenticationError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
    RateLimitedError,
    TierLimitError,
    TooLargeError,
    UnavailableError,
    UnknownRouteError,
)
from promptvault.wire.decompression import BodyTooLargeError, DamagedBodyError
from promptvault.wire.error import ErrorRead

_CLASSES = (
    *(AuthenticationError, PermissionDeniedError, NotFoundError, ConflictError),
    *(InvalidInputError, TooLargeError, TierLimitError, RateLimitedError),
    UnavailableError,
)
_BY_CODE = {each.code: each for each in _CLASSES}
"""The errors that a server may report; an internal error of a server is not one."""

_OAUTH_STATUS = 400
_OUTDATED = 426
_UNKNOWN_FIELD = "Extra inputs are not permitted"
"""What a server says of a field that only newer programs send."""
_UNKNOWN_ROUTE = "Not Found."
"""What it says of a path that is none of its own. An object that is not there has a
message of its own."""
_LONGEST_MESSAGE = 500


class UnknownEncodingError(Exception):
    """The answer has a Content-Encoding that was not accepted."""


CONNECTION_FAILURES = (
    *(httpx.HTTPError, httpx.InvalidURL, OSError),
    *(DamagedBodyError, BodyTooLargeError, UnknownEncodingError),
)
"""The exceptions between sending a request and the end of its answer."""
_CONNECTION_LOST = (httpx.NetworkError, httpx.RemoteProtocolError, DamagedBodyError)


class _OAuthError(BaseModel):
    """The body of an OAuth error (RFC 6749, section 5.2)."""

    error: str
    """Any code: a newer server may have others than `OAuthErrorCode`."""


class SignInPendingError(PromptVaultError):
    """A device's sign-in is not complete; *code* is the error code of RFC 8628."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The sign-in is not complete: {code}.")
        self.oauth_code = code


def error_from_response(
    host: str, status: int, content: bytes, retry_after: float | None
) -> PromptVaultError:
    """Return the error for an answer with an error status.

    *retry_after* is in seconds. The server's message is kept as it is: control
    characters are removed where it is printed.
    """
    detail = _detail(content)
    if status == _OUTDATED:
        return _outdated(host, detail)
    if detail is None:
        return _from_proxy(host, status, retry_after)
    code, message = detail
    if status == InvalidInputError.status_code and _UNKNOWN_FIELD in message:
        return _older_server(host)
    if status == NotFoundError.status_code and message == _UNKNOWN_ROUTE:
        return UnknownRouteError(str(_older_server(host)))
    kind = _BY_CODE.get(code)
    if kind is RateLimitedError:
        return RateLimitedError(message, retry_after)
    if kind is None:
        return UnavailableError(f"{host} failed ({status}): {message}")
    return kind(message)


def sign_in_error(status: int, content: bytes) -> SignInPendingError | None:
    """Return the error for an OAuth error, None if the answer is not one.

    Use it for the exchange of a device code only. Many gateways write their own errors
    in the same form; for any other request the status says what they mean.
    """
    if status != _OAUTH_STATUS:
        return None
    try:
        code = _OAuthError.model_validate_json(content).error
    except ValidationError:
        return None
    return SignInPendingError(code[:_LONGEST_MESSAGE])


def not_promptvault(host: str) -> UnavailableError:
    """Return the error for an answer that is not one of a PromptVault server."""
    return UnavailableError(
        f"{host} answers, but not as a PromptVault server does: check its address."
    )


def _outdated(host: str, detail: tuple[str, str] | None) -> UnavailableError:
    reason = f": {detail[1]}" if detail else "."
    return UnavailableError(
        f"{host} and this program speak different versions of the protocol; update"
        f" the older one{reason}"
    )


def _older_server(host: str) -> UnavailableError:
    return UnavailableError(
        f"{host} is older than this program and does not know a part of the request:"
        " update the server, or use the version of promptvault that fits it."
    )


def _from_proxy(host: str, status: int, retry_after: float | None) -> PromptVaultError:
    """Return the error for an answer without our error object, as a proxy sends it."""
    if status == RateLimitedError.status_code:
        return RateLimitedError(f"{host} received too many requests.", retry_after)
    if status == TooLargeError.status_code:
        return TooLargeError(f"{host} does not accept a request of this size.")
    if status >= 500:
        return UnavailableError(f"{host} is out of order ({status}): try again later.")
    return not_promptvault(host)


def _detail(content: bytes) -> tuple[str, str] | None:
    """Return the code and message of an error object, None if there is none."""
    try:
        detail = ErrorRead.model_validate_json(content).error
    except ValidationError:
        return None
    return detail.code, detail.message[:_LONGEST_MESSAGE]


class ConnectionLostError(UnavailableError):
    """The connection broke off; the request may succeed on another one."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The connection to {host} broke off: try again.")


def connection_error(
    host: str, error: Exception, *, has_answered: bool
) -> UnavailableError:
    """Return the error for a request to *host* that ended in *error*.

    *has_answered* says that an earlier request had an answer, so that the address is
    right.
    """
    match error:
        case httpx.TimeoutException():
            return UnavailableError(f"{host} does not answer in time.")
        case BodyTooLargeError():
            return UnavailableError(f"{host} sends an answer larger than 64 MiB.")
        case UnknownEncodingError():
            return not_promptvault(host)
    certificate = _find_cause(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        return _untrusted(host, certificate.verify_message)
    if _find_cause(error, ssl.SSLError) is not None and not has_answered:
        return UnavailableError(
            f"{host} does not answer over https: if the server speaks http, give its"
            " address with http://."
        )
    if isinstance(error, httpx.ConnectError) and not has_answered:
        return UnavailableError(
            f"{host} cannot be reached: are you online, and is the address right?"
        )
    if isinstance(error, _CONNECTION_LOST):
        return ConnectionLostError(host)
    return UnavailableError(f"The request to {host} failed: check its address.")


def _untrusted(host: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"{host} has a certificate that is not trusted here ({reason})."
        " SSL_CERT_FILE can name the authority that signed it."
    )


def _find_cause(error: BaseException, kind: type[Any]) -> Any:
    """Return the exception of *kind* among *error* and its causes, else None."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen
