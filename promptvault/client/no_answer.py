"""What it means where there is no answer, or none that is whole."""

import ssl
from typing import Any

import httpx

from promptvault.client.failure import stranger
from promptvault.client.inflation import (
    DamagedError,
    OversizeError,
    UnknownEncodingError,
)
from promptvault.errors import UnavailableError

FAILURES = (
    *(httpx.HTTPError, httpx.InvalidURL, OSError),
    *(DamagedError, OversizeError, UnknownEncodingError),
)
"""What goes wrong between a request and its whole answer."""
_GONE = (httpx.NetworkError, httpx.RemoteProtocolError, DamagedError)


class BrokenOffError(UnavailableError):
    """The connection is gone; another may do better."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The connection to {host} broke off: try again.")


def no_answer(host: str, error: Exception, *, has_met: bool) -> UnavailableError:
    """Return the error for a request to *host* that ended in *error*.

    *has_met* tells that it answered a moment ago, so that it will do so again.
    """
    match error:
        case httpx.TimeoutException():
            return UnavailableError(f"{host} does not answer in time.")
        case OversizeError():
            message = f"{host} answers with more than anybody asked for."
            return UnavailableError(message)
        case UnknownEncodingError():
            return stranger(host)
    certificate = _find_cause(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        return _untrusted(host, certificate.verify_message)
    if _find_cause(error, ssl.SSLError) is not None and not has_met:
        return UnavailableError(
            f"{host} does not answer over https: if it speaks http there, give its"
            " address with http://."
        )
    if isinstance(error, httpx.ConnectError) and not has_met:
        return UnavailableError(
            f"{host} cannot be reached: are you online, and is the address right?"
        )
    if isinstance(error, _GONE):
        return BrokenOffError(host)
    return UnavailableError(f"{host} cannot be asked: check its address.")


def _untrusted(host: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"{host} has a certificate that is not trusted here ({reason})."
        " SSL_CERT_FILE can name the authority that signed it."
    )


def _find_cause(error: BaseException, kind: type[Any]) -> Any:
    """Return the exception of *kind* that lies behind *error*."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen
