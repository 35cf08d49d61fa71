"""How servers differ: what one of them refuses, and the request that it takes."""

from collections.abc import Sequence
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from promptvault.domain.chat import Message, Request, Role, Schema
from promptvault.domain.schema import BOUNDS, TEXT_BOUNDS, without_keywords
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.rejection import Reason, Rejection

THOUGHT_TOKENS = 8_192
"""Tokens that a thinking model may use in addition to those of its answer."""

_LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_BAD = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_FAILING = {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.NOT_IMPLEMENTED}


class Change(Enum):
    """A difference to what OpenAI's API takes."""

    NO_STREAM_OPTIONS = auto()
    NO_BOUNDS = auto()
    """Schemas without the sizes of lists and texts."""
    NO_SCHEMA = auto()
    """No schema in a field of its own; the system message describes it."""
    OTHER_LIMIT_NAME = auto()
    NO_CEILING = auto()
    """No limit of tokens but that of the user or the budget."""
    NO_SYSTEM_ROLE = auto()
    """The system message becomes a part of the user's."""
    NO_TEMPERATURE = auto()
    NO_STREAM = auto()
    THINKS = auto()
    """The model thinks before it answers, which takes tokens."""


Dialect = frozenset[Change]
"""The differences of one server that are known so far."""

_NAMED = {
    Change.NO_STREAM_OPTIONS: Reason.STREAM_OPTIONS,
    Change.NO_BOUNDS: Reason.BOUNDS,
    Change.NO_SCHEMA: Reason.SCHEMA,
    Change.NO_SYSTEM_ROLE: Reason.SYSTEM_ROLE,
    Change.NO_TEMPERATURE: Reason.TEMPERATURE,
    Change.OTHER_LIMIT_NAME: Reason.OTHER_LIMIT_NAME,
    Change.NO_CEILING: Reason.LIMIT,
    Change.NO_STREAM: Reason.STREAM,
}
"""What is changed for a reason that a server gives; the most special reason first."""
_GUESSED = (Change.NO_SCHEMA, Change.NO_SYSTEM_ROLE, Change.NO_TEMPERATURE)
"""What is tried in turn if a server gives no reason that we know."""
_FINAL = (Reason.NO_CREDIT, Reason.UNKNOWN_MODEL, Reason.BUSY)


def find_change(
    rejection: Rejection, endpoint: Endpoint, request: Request, dialect: Dialect
) -> Change | None:
    """Return what to change after *rejection*, None if the request cannot be mended.

    A PromptVault server has adapted the request to its model already.
    """
    if endpoint.hosted or rejection.status not in _BAD | _FAILING | {0}:
        return None
    if any(map(rejection.says, _FINAL)):
        return None
    sent = parameters(endpoint, request, dialect)

    def helps(change: Change) -> bool:
        return parameters(endpoint, request, dialect | {change}) != sent

    if rejection.says(Reason.TOO_LONG):
        # The server may count the answer that the request allows.
        is_short = request.input_tokens < (rejection.limit or 0)
        return Change.NO_CEILING if is_short and helps(Change.NO_CEILING) else None
    for change, reason in _NAMED.items():
        if rejection.says(reason) and helps(change):
            return change
    if rejection.status in _FAILING:
        return Change.NO_SCHEMA if helps(Change.NO_SCHEMA) else None
    is_unexplained = rejection.reason is None and rejection.status in _BAD
    return next(filter(helps, _GUESSED), None) if is_unexplained else None


def parameters(
    endpoint: Endpoint, request: Request, dialect: Dialect
) -> dict[str, Any]:
    """Return the parameters of the API for *request*."""
    sent: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [
            {"role": message.role.value, "content": message.content}
            for message in _messages(request, dialect)
        ],
        "stream": Change.NO_STREAM not in dialect,
    }
    if request.temperature is not None and Change.NO_TEMPERATURE not in dialect:
        sent["temperature"] = request.temperature
    if limit := token_limit(request, dialect):
        sent[_limit_name(endpoint, dialect)] = limit
    if request.schema is not None and Change.NO_SCHEMA not in dialect:
        sent["response_format"] = _response_format(request.schema, endpoint, dialect)
    if sent["stream"] and Change.NO_STREAM_OPTIONS not in dialect:
        sent["stream_options"] = {"include_usage": True}
    return sent


def _messages(request: Request, dialect: Dialect) -> Sequence[Message]:
    """Return the messages; a system message may become a part of the user's first."""
    if Change.NO_SYSTEM_ROLE not in dialect:
        return request.messages
    system = [m.content for m in request.messages if m.role is Role.SYSTEM]
    others = [m for m in request.messages if m.role is not Role.SYSTEM]
    first = others[0].content if others else ""
    text = "\n\n".join(filter(None, (*system, first)))
    return [Message(Role.USER, text), *others[1:]]


def token_limit(request: Request, dialect: Dialect) -> int | None:
    """Return the most tokens of the answer, None if nothing limits them."""
    limits = [request.max_tokens]
    if request.ceiling is not None and Change.NO_CEILING not in dialect:
        extra = THOUGHT_TOKENS if Change.THINKS in dialect else 0
        limits.append(request.ceiling + extra)
    return min(filter(None, limits), default=None)


def _limit_name(endpoint: Endpoint, dialect: Dialect) -> str:
    name = endpoint.limit_name
    return _LIMITS[name] if Change.OTHER_LIMIT_NAME in dialect else name


def _response_format(
    schema: Schema, endpoint: Endpoint, dialect: Dialect
) -> dict[str, Any]:
    bounds: tuple[str, ...] = () if endpoint.limits_texts else TEXT_BOUNDS
    if Change.NO_BOUNDS in dialect:
        bounds = BOUNDS
    return {
        "type": "json_schema",
        "json_schema": {
            "name": schema.name,
            "schema": without_keywords(schema.schema, bounds),
            "strict": True,
        },
    }
