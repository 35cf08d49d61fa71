"""Translation of errors of the OpenAI library and of servers into our own.

A server's message may quote the key or the prompt, so it is never passed on.
"""

import contextlib
import re
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import openai

from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
    UnavailableError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import (
    ConnectionLostError,
    ResponseTimeoutError,
    ServerBusyError,
    ServerDownError,
)
from promptvault.providers.hosted import hosted_error

_LATER = "Try again later."
_CHECK_ADDRESS = "Check the network and the address (ai.base_url)."
_CODE = re.compile(r"[a-z]+(_[a-z]+){1,7}")
_CONNECTION_TIMEOUTS = ("ConnectTimeout", "PoolTimeout")


@contextlib.contextmanager
def translate_errors(endpoint: Endpoint) -> Iterator[None]:
    """Translate exceptions in the block to PromptVaultError."""
    try:
        yield
    except PromptVaultError:
        raise
    except UnicodeEncodeError:
        raise InvalidInputError("The text to send is not valid UTF-8.") from None
    except Exception as error:
        translation = _translation(error, endpoint)
        if translation is None:
            raise
        raise translation from None


def _translation(error: Exception, endpoint: Endpoint) -> PromptVaultError | None:
    match error:
        case openai.APIStatusError():
            return _of_status(error, endpoint)
        case openai.APITimeoutError():
            return _of_connection(error.__cause__ or error, endpoint)
        case openai.APIConnectionError():
            return _of_connection(error.__cause__ or error, endpoint)
        case openai.APIError() if error.body is not None:
            return error_in_answer(error.body, endpoint)
        case openai.OpenAIError() | ValueError() | RecursionError():
            return not_a_completion(endpoint)
    # The library does not translate errors while it reads a body.
    if type(error).__module__.startswith("http"):
        return _of_connection(error, endpoint)
    return None


def _of_connection(error: BaseException, endpoint: Endpoint) -> PromptVaultError:
    """Return the error for a failed connection, by the name of its class."""
    kind = type(error).__name__
    if _is_of_tls(error):
        what = f"{endpoint.server} has no certificate that this computer accepts."
        return UnavailableError(f"{what} {_CHECK_ADDRESS}")
    if kind in _CONNECTION_TIMEOUTS or kind.startswith("Connect"):
        return ServerDownError(f"{endpoint.server} cannot be reached.", _CHECK_ADDRESS)
    if kind.endswith(("Timeout", "TimeoutError")):
        return ResponseTimeoutError(
            f"{endpoint.server} did not answer within {endpoint.timeout:g} seconds."
            " ai.timeout sets this limit."
        )
    return connection_lost(endpoint)


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def connection_lost(endpoint: Endpoint) -> ConnectionLostError:
    """Return the error for a lost connection."""
    return ConnectionLostError(f"The answer of {endpoint.server} broke off.", _LATER)


def not_a_completion(endpoint: Endpoint) -> ServerDownError:
    """Return the error for an answer that is not a chat completion."""
    return ServerDownError(
        f"{endpoint.server} answered with something other than a chat completion.",
        "Check the address (ai.base_url): most end in /v1.",
    )


def error_in_answer(error: Any, endpoint: Endpoint) -> PromptVaultError:
    """Return the error that a server reports in an answer with status 200."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdecimal() and code.isascii():
        code = int(code[:3])
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return ServerBusyError(f"{endpoint.server} asks for fewer requests.", _LATER)
    if isinstance(code, int) and 400 <= code < 500 and code not in _TEMPORARY:
        return InvalidInputError(f"{endpoint.server} refuses the request ({code}).")
    return ConnectionLostError(
        f"{endpoint.server} failed in the middle of its answer.", _LATER
    )


_TEMPORARY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT)


def _of_status(error: openai.APIStatusError, endpoint: Endpoint) -> PromptVaultError:
    server, model = endpoint.server, endpoint.model
    wait = _wait(error)
    if endpoint.hosted:
        return hosted_error(endpoint, error.status_code, error.body, wait)
    asked = f" It asks to wait {wait:,.0f} s." if wait else ""
    match error.status_code:
        case HTTPStatus.UNAUTHORIZED:
            return AuthenticationError(
                f"{server} does not accept the key. Set another: OPENAI_API_KEY, or"
                " 'promptvault config set ai.api_key'."
            )
        case HTTPStatus.FORBIDDEN:
            return PermissionDeniedError(f"The key may not use {model} on {server}.")
        case HTTPStatus.NOT_FOUND:
            return NotFoundError(
                f"{server} has no model {model!r}, or no chat completions at"
                f" {endpoint.public_url}. Set --model or ai.model, or ai.base_url."
            )
        case HTTPStatus.PAYMENT_REQUIRED:
            return _no_credit(server)
        case HTTPStatus.TOO_MANY_REQUESTS if error_code(error) == "insufficient_quota":
            return _no_credit(server)
        case HTTPStatus.TOO_MANY_REQUESTS:
            what = f"{server} asks for fewer requests.{asked}"
            advice = "Try again later; ai.requests_per_minute asks more slowly."
            return ServerBusyError(what, advice, wait)
        case status if status in _TEMPORARY or status >= 500:
            return ServerDownError(
                f"{server} fails (HTTP {status}).{asked}", _LATER, wait
            )
        case status:
            reason = error_code(error)
            because = f": {reason}" if reason else ""
            return InvalidInputError(
                f"{server} refuses the request (HTTP {status}{because})."
            )


def _no_credit(server: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"The account at {server} has no credit: top it up, or set another key."
    )


def error_code(error: openai.APIStatusError) -> str:
    """Return the code of the error, as "context_length_exceeded", '' if none."""
    code = error.code
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _wait(error: openai.APIStatusError) -> float | None:
    """Return the seconds that the server asks to wait, None if it does not."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    return _until(headers.get("retry-after", ""), headers.get("date", ""))


def _until(date: str, now: str) -> float | None:
    """Return the seconds from *now* to *date*, two HTTP dates of the server."""
    try:
        wait = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except (ValueError, TypeError):  # not a date, or without a time zone
        return None
    return max(0.0, wait.total_seconds())
