"""JSON that somebody sends: read in bounded time and depth, and large bodies aside."""

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from promptvault.errors import InvalidInputError, TooLargeError

_AT_ONCE_BYTES = 32 * 1024
"""So much is read in a few milliseconds, whatever it is."""
_DEPTH = 200
"""Lists and objects within each other; the limit of `from_json`."""
_VALUES = 250_000
"""In one body. As many versions without a word as fit in one have fewer."""

# Brackets, commas, and strings as a whole, so that what is within them is passed over.
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{,\]}]', re.DOTALL)
_JSON = re.compile(r"application/([^;\s]+\+)?json\s*(;|$)", re.IGNORECASE)
# One thread: more of them would share the time of the one interpreter with the loop.
_ASIDE = ThreadPoolExecutor(1, "json")

T = TypeVar("T")


async def aside(task: Callable[..., T], *values: Any) -> T:
    """Return what *task* returns, without keeping the event loop from the others."""
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, task, *values)


async def body_of(request: Request) -> bytes:
    """Return the body; raises HTTPException if it is cut off or too long."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "The body is cut off") from None


async def read_json(request: Request, build: Callable[[Any], T]) -> T:
    """Return what *build* makes of the JSON in the body.

    Raises InvalidInputError, TooLargeError, and what *build* raises. *build* runs in
    another thread if the body is large, and lets the event loop in by being Python.
    """
    body = await body_of(request)
    if not _JSON.match(request.headers.get("content-type", "")):
        raise InvalidInputError("The body must be sent as application/json.")
    if len(body) <= _AT_ONCE_BYTES:
        return build(_parsed(body))
    return await aside(_build_large, body, build)


def _build_large(body: bytes, build: Callable[[Any], T]) -> T:
    _refuse_complex(body)
    return build(_parsed_piecemeal(body))


def _refuse_complex(body: bytes) -> None:
    """Raise where *body* is too deep, or of too many values, for its length."""
    depth, left = 0, _VALUES
    for match in _TOKENS.finditer(body):
        match match[0]:
            case b"[" | b"{":
                depth += 1
                left -= 1
            case b"]" | b"}":
                depth -= 1
            case b",":
                left -= 1
            case _:
                continue
        if depth > _DEPTH:
            raise _too_deep()
        if left < 0:
            raise TooLargeError(f"The body holds more than {_VALUES} values.")


def _parsed(body: bytes) -> Any:
    try:
        return from_json(body, cache_strings="none")
    except ValueError as error:
        if "recursion" in str(error):
            raise _too_deep() from None
        raise _unreadable() from None


def _parsed_piecemeal(body: bytes) -> Any:
    """Parse as `_parsed`, but let other threads in at the end of every object.

    A parser in C holds the interpreter until it calls something in Python.
    """
    try:
        return json.loads(body.decode(), object_hook=_itself)
    except (ValueError, RecursionError):
        raise _unreadable() from None


def _itself(value: dict[str, Any]) -> dict[str, Any]:
    return value


def _too_deep() -> InvalidInputError:
    return InvalidInputError(f"The body is nested deeper than {_DEPTH} levels.")


def _unreadable() -> InvalidInputError:
    return InvalidInputError("The body is not JSON.")


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """Return what OpenAPI is to say of a route that reads *model* by `read_json`."""
    schema = model.model_json_schema()
    schema = _without_references(schema, schema.pop("$defs", {}))
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _without_references(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_without_references(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _without_references(definitions[name], definitions)
    return {
        key: _without_references(value, definitions)
        for key, value in schema.items()
        if key != "discriminator"  # which refers to definitions, too
    }
