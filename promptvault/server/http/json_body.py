"""JSON bodies: parsed with limits on time and depth, large ones in a thread."""

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from promptvault.errors import InvalidInputError, TooLargeError

_AT_ONCE_BYTES = 32 * 1024
"""A body up to this size is parsed in a few milliseconds, in the event loop."""
_DEPTH = 200
"""Of nested lists and objects; the limit of `from_json`."""
_VALUES = 250_000
"""In one body. The most versions that fit, each of minimal size, have fewer."""

# Brackets, commas, and whole strings, so that brackets in strings do not count.
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{,\]}]', re.DOTALL)
_JSON = re.compile(r"application/([^;\s]+\+)?json\s*(;|$)", re.IGNORECASE)
# One thread: more would take time of the interpreter from the event loop.
_PARSER = ThreadPoolExecutor(1, "json")

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


async def run_in_thread(task: Callable[..., T], *values: Any) -> T:
    """Run *task* in a thread, so that the event loop can serve other requests."""
    return await asyncio.get_running_loop().run_in_executor(_PARSER, task, *values)


async def body_of(request: Request) -> bytes:
    """Return the body; raises HTTPException if it is cut off or too long."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "The body is cut off") from None


async def read_json(request: Request, build: Callable[[Any], T]) -> T:
    """Parse the JSON body, and return the result of *build* for it.

    A large body is parsed and built in a thread. *build* should run as Python code,
    since C code may hold the interpreter for long. Raises InvalidInputError,
    TooLargeError, HTTPException, and what *build* raises.
    """
    body = await body_of(request)
    if not _JSON.match(request.headers.get("content-type", "")):
        raise InvalidInputError("The body must be sent as application/json.")
    if len(body) <= _AT_ONCE_BYTES:
        return build(_parsed(body))
    return await run_in_thread(_build_large, body, build)


async def read_model(request: Request, model: type[Model]) -> Model:
    """Parse the JSON body as *model*; raise as `read_json`, and as `validated`."""
    return await read_json(request, lambda data: validated(model.model_validate, data))


def validated(validate: Callable[[Any], T], data: Any, *place: str | int) -> T:
    """Return the part of a body at *place*, validated by *validate*.

    Raises RequestValidationError, which does not contain the data.
    """
    try:
        return validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise RequestValidationError(
            [each | {"loc": ("body", *place, *each["loc"])} for each in problems]
        ) from None


def _build_large(body: bytes, build: Callable[[Any], T]) -> T:
    _refuse_complex(body)
    return build(_parsed_piecemeal(body))


def _refuse_complex(body: bytes) -> None:
    """Raise if *body* is nested too deep or has too many values."""
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
    """Parse like `_parsed`, but release the interpreter after each object.

    A parser in C holds the interpreter until it calls a Python function.
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
    """Return the OpenAPI entry for a route that reads *model* with `read_json`."""
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
        if key != "discriminator"  # it contains references too
    }
