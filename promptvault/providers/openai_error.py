"""Translation of errors of the OpenAI library and of servers into our own.

A server's message may quote the key or the prompt, so it is never passed on.
"""

import contextlib
import json
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http import HTTPStatus

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
from promptvault.providers.rejection import (
    Reason,
    Rejection,
    parse_body,
    read_rejection,
)

_LATER = "Try again later."
_CHECK_ADDRESS = "Check the network and the address (ai.base_url)."
_MOST_QUOTED = 2_000
"""Characters of a server's own words that are shown."""
_CONNECTION_TIMEOUTS = ("ConnectTimeout", "PoolTimeout")


class AnswerError(Exception):
    """An error that a server reports in an answer with status 200."""

    def __init__(self, body: object) -> None:
        super().__init__()
        self.body = body
        self.rejection = read_rejection(0, body)


def rejection_in(error: openai.APIStatusError | AnswerError) -> Rejection:
    """Return why the server refused the request."""
    if isinstance(error, AnswerError):
        return error.rejection
    body = parse_body(error.response.text)
    return read_rejection(error.status_code, body, _wait(error))


def server_words(error: openai.APIStatusError | AnswerError, endpoint: Endpoint) -> str:
    """Return what the server itself said, without key and password.

    It may quote the prompt, so it is only for a user who asked for it.
    """
    if isinstance(error, AnswerError):
        status, text = "200", json.dumps(error.body, ensure_ascii=False)
    else:
        status, text = str(error.status_code), error.response.text
    for secret in endpoint.secrets:
        text = text.replace(secret, "(hidden)")
    return f"{endpoint.server} answered {status}: {text[:_MOST_QUOTED]}"


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
        case openai.APIStatusError() if endpoint.hosted:
            status, wait = error.status_code, _wait(error)
            return hosted_error(endpoint, status, error.body, wait)
        case openai.APIStatusError():
            return _of_status(rejection_in(error), endpoint)
        case AnswerError():
            return _in_answer(error.rejection, endpoint)
        case openai.APITimeoutError():
            return _of_connection(error.__cause__ or error, endpoint)
        case openai.APIConnectionError():
            return _of_connection(error.__cause__ or error, endpoint)
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


def failed_midway(endpoint: Endpoint) -> ConnectionLostError:
    """Return the error for an answer that the server itself gave up."""
    return ConnectionLostError(
        f"{endpoint.server} failed in the middle of its answer.", _LATER
    )


def _in_answer(rejection: Rejection, endpoint: Endpoint) -> PromptVaultError:
    """Return the error that a server reports in an answer with status 200."""
    status = rejection.status or _STATUSES.get(rejection.reason, 0)
    if status in _TEMPORARY or not 400 <= status < 500:
        return failed_midway(endpoint)
    return _of_status(rejection._replace(status=status), endpoint)


_STATUSES: dict[Reason | None, int] = {
    Reason.TOO_LONG: HTTPStatus.BAD_REQUEST,
    Reason.NO_CREDIT: HTTPStatus.PAYMENT_REQUIRED,
    Reason.UNKNOWN_MODEL: HTTPStatus.NOT_FOUND,
    Reason.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
}
"""The status of an error in an answer that names none, by its reason."""


_TEMPORARY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT)


def _of_status(rejection: Rejection, endpoint: Endpoint) -> PromptVaultError:
    server, model, wait = endpoint.server, endpoint.model, rejection.wait
    asked = f" It asks to wait {wait:,.0f} s." if wait else ""
    status = rejection.status
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return AuthenticationError(
                f"{server} does not accept the key. Set another: OPENAI_API_KEY, or"
                " 'promptvault config set ai.api_key'."
            )
        case HTTPStatus.PAYMENT_REQUIRED:
            return _no_credit(server)
        case _ if rejection.reason is Reason.NO_CREDIT and status < 500:
            return _no_credit(server)
        case HTTPStatus.FORBIDDEN:
            return PermissionDeniedError(f"The key may not use {model} on {server}.")
        case HTTPStatus.NOT_FOUND if rejection.reason is not Reason.UNKNOWN_MODEL:
            return NotFoundError(
                f"{server} has no model {model!r}, or no chat completions at"
                f" {endpoint.public_url}. Set --model or ai.model, or ai.base_url."
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _busy(server, asked, wait)
    return _by_reason(rejection, endpoint) or _unexplained(rejection, endpoint, asked)


def _busy(server: str, asked: str, wait: float | None) -> ServerBusyError:
    what = f"{server} asks for fewer requests.{asked}"
    advice = "Try again later; ai.requests_per_minute asks more slowly."
    return ServerBusyError(what, advice, wait)


def _by_reason(rejection: Rejection, endpoint: Endpoint) -> PromptVaultError | None:
    """Return the error for a reason that we know, None if there is none."""
    reason = rejection.reason
    if reason is None or rejection.status in _TEMPORARY or rejection.status > 500:
        return None
    server, model = endpoint.server, endpoint.model
    match reason:
        case Reason.TOO_LONG:
            return InvalidInputError(
                f"The prompt is too long for {model} on {server}{_sizes(rejection)}."
                " Shorten it, or give the model a larger context."
            )
        case Reason.UNKNOWN_MODEL:
            return NotFoundError(
                f"{server} has no model {model!r}. Set --model or ai.model."
            )
        case Reason.BUSY:
            return _busy(server, "", rejection.wait)
        case _ if reason in _MESSAGES:
            return InvalidInputError(f"{model} on {server} {_MESSAGES[reason]}")
    return None


_MESSAGES = {
    Reason.SYSTEM_ROLE: "takes no system message.",
    Reason.TEMPERATURE: "does not take this temperature: omit --temperature.",
    Reason.SCHEMA: "cannot answer in the form of a JSON Schema: try another model.",
    Reason.LIMIT: "does not take this limit of tokens: change --max-tokens.",
}
"""What we say of a reason, after the names of the model and the server."""


def _sizes(rejection: Rejection) -> str:
    limit, asked = rejection.limit, rejection.asked
    if limit and asked:
        return f": {asked:,} tokens, and it takes {limit:,}"
    return f", which takes {limit:,} tokens" if limit else ""


def _unexplained(
    rejection: Rejection, endpoint: Endpoint, asked: str
) -> PromptVaultError:
    server, status = endpoint.server, rejection.status
    if status in _TEMPORARY or status >= 500:
        what = f"{server} fails (HTTP {status}).{asked}"
        return ServerDownError(what, _LATER, rejection.wait)
    because = f": {rejection.code}" if rejection.code else ""
    return InvalidInputError(
        f"{server} refuses the request (HTTP {status}{because})."
        " PROMPTVAULT_DEBUG=1 shows what it says."
    )


def _no_credit(server: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"The account at {server} has no credit: top it up, or set another key."
    )


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
