"""A middleware that logs each request with an id, and catches unexpected exceptions."""

import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from promptvault.errors import PromptVaultError
from promptvault.server import metrics
from promptvault.server.exception_handlers import answer

_HEADER = b"x-request-id"
_GIVEN_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_log = structlog.get_logger("promptvault.server")


class RequestLog:
    """Logs one line a request, without its path, query, headers or body.

    A path can contain a secret, so the line has the name of the route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, status = time.perf_counter(), 0
        request_id = _request_id(scope)

        async def note_and_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (_HEADER, request_id.encode()),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, note_and_send)
            except Exception as error:
                _log.error("failed", exc_info=error)
                if status:  # a part of an answer is sent: close the connection
                    raise _AbortedError from None
                await answer(_BUG)(scope, receive, note_and_send)
            finally:
                _note(scope, status, time.perf_counter() - start)


_BUG = PromptVaultError("The server failed. Its log says why, under the request's id.")


class _AbortedError(Exception):
    """Makes uvicorn close the connection; the cause is already logged."""


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(_HEADER, b"")
    return given.decode() if _GIVEN_ID.fullmatch(given) else secrets.token_hex(16)


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "name", "-")
    method = scope["method"] if scope["method"] in _METHODS else "-"
    metrics.count(method, route, status, seconds)
    account_id = scope.get("state", {}).get("account_id")
    _log.info(
        "request",
        method=method,
        route=route,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        account=str(account_id) if account_id else None,
    )
