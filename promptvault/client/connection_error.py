"""Errors for a request without an answer, or without a complete one."""

import ssl
from typing import Any

import httpx

from promptvault.client.error_response import not_promptvault
from promptvault.errors import UnavailableError
from promptvault.wire.decompression import BodyTooLargeError, DamagedBodyError


class UnknownEncodingError(Exception):
    """The answer has a Content-Encoding that was not accepted."""


CONNECTION_FAILURES = (
    *(httpx.HTTPError, httpx.InvalidURL, OSError),
    *(DamagedBodyError, BodyTooLargeError, UnknownEncodingError),
)
"""The exceptions between sending a request and the end of its answer."""
_CONNECTION_LOST = (httpx.NetworkError, httpx.RemoteProtocolError, DamagedBodyError)


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
