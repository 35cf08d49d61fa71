"""Errors become {"error": {"code", "message"}} with the status of their class."""

import math
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PromptVaultError,
    RateLimitedError,
    TooLargeError,
    UnavailableError,
)

_log = structlog.get_logger("promptvault.server")
_SOON_SECONDS = "2"
"""Retry-After, if something does not answer."""
_MEANINGS = {401: AuthenticationError, 404: NotFoundError, 413: TooLargeError}


def register(app: FastAPI) -> None:
    """Add handlers for all expected errors to *app*."""
    app.add_exception_handler(PromptVaultError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(psycopg.OperationalError, _database)


def answer(error: PromptVaultError, status: int | None = None) -> JSONResponse:
    """Return the answer for *error*, with its status unless *status* is given."""
    headers = {}
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = _SOON_SECONDS
    if error.status_code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {"error": {"code": error.code, "message": str(error)}}
    return JSONResponse(body, status or error.status_code, headers)


async def _ours(_request: Request, error: Any) -> JSONResponse:
    return answer(error)


async def _invalid(_request: Request, error: Any) -> JSONResponse:
    return answer(InvalidInputError(_explain(error.errors())))


def _explain(problems: Sequence[Any]) -> str:
    """Return the problems and their places, without quoting what was sent."""
    lines = [
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in problems[:5]
    ]
    return "; ".join(lines) + "."


async def _http(_request: Request, error: Any) -> JSONResponse:
    meaning = _MEANINGS.get(error.status_code, InvalidInputError)
    response = answer(meaning(f"{error.detail.rstrip('.')}."), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _database(_request: Request, error: Any) -> JSONResponse:
    _log.error("database", exc_info=error)
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return answer(UnavailableError("Another request is changing this: try again."))
    return answer(UnavailableError("The database does not answer."))
