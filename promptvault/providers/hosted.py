"""Requests to the model of a PromptVault server: their headers and errors."""

from http import HTTPStatus
from typing import Any

from promptvault.domain.hosted import KEY_HEADER, OPERATION_HEADER, TASK_HEADER
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    PermissionDeniedError,
    PromptVaultError,
    TierLimitError,
    TooLargeError,
    UnavailableError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import ServerBusyError, ServerDownError

_OF_TRANSPORT = {
    *("host", "connection", "accept", "accept-encoding", "user-agent"),
    *("content-type", "content-length", "transfer-encoding"),
}
_LONGEST_MESSAGE = 500
_LATER = "Try again later."
_SAME_REQUEST_WAIT = 5.0
"""Seconds before the answer to a request that the server is still working on is asked
for again."""


def set_headers(endpoint: Endpoint, request: Any) -> None:
    """Set the headers of an HTTP *request* to the server, and remove all others.

    The library adds headers from variables such as OPENAI_ORG_ID and
    OPENAI_CUSTOM_HEADERS, which are for OpenAI and may hold a key.
    """
    use = endpoint.hosted
    assert use is not None
    kept = {*_OF_TRANSPORT, KEY_HEADER.lower()}
    for name in {*request.headers.keys()} - kept:
        del request.headers[name]
    request.headers["Authorization"] = f"Bearer {endpoint.key}"
    request.headers[TASK_HEADER] = use.task.value
    request.headers[OPERATION_HEADER] = use.operation


def hosted_error(
    endpoint: Endpoint, status: int, body: object, wait: float | None
) -> PromptVaultError:
    """Return the error for an answer with an error *status*.

    *body* is the server's error object, and *wait* the seconds of Retry-After. Its
    message is passed on: our server quotes neither prompts nor tokens.
    """
    server, message = endpoint.server, _message(body, endpoint)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return AuthenticationError(
                f"{server} does not accept your sign-in any more: 'promptvault login'."
            )
        case HTTPStatus.PAYMENT_REQUIRED:
            return TierLimitError(message or f"Your plan of {server} has no model.")
        case HTTPStatus.FORBIDDEN:
            return PermissionDeniedError(message or f"{server} refuses the request.")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return ServerBusyError(
                message or f"{server} asks for fewer requests.", "", wait
            )
        case HTTPStatus.CONFLICT:
            what = f"{server} is still working on this request."
            return ServerBusyError(what, _LATER, wait or _SAME_REQUEST_WAIT)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLargeError(message or f"The text is too long for {server}.")
        case status if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
            what = message or f"{server} fails (HTTP {status})."
            return ServerDownError(what, "" if message else _LATER, wait)
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return InvalidInputError(
                f"{server} has no model of its own: use your own key, with --own."
            )
        case status if status < 400:
            return UnavailableError(
                f"{server} redirects elsewhere, which is not followed with a token."
            )
        case status:
            because = f": {message}" if message else "."
            return InvalidInputError(
                f"{server} refuses the request (HTTP {status}){because}"
            )


def _message(body: object, endpoint: Endpoint) -> str:
    """Return the message of a server's error object, '' if there is none."""
    match body:
        case {"code": str(), "message": str(message)}:
            return message[:_LONGEST_MESSAGE].replace(endpoint.key, "(hidden)")
    return ""
