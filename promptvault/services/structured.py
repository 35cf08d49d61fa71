"""Answers that are JSON of a given shape: checked, and asked for once more if wrong."""

import json
import re
from collections.abc import Callable
from typing import Any

from promptvault.domain.chat import Answer, Message, Request, Role, Schema
from promptvault.errors import UnavailableError
from promptvault.services.model import Model

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value that has the right shape, None if it is good."""

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def ask_for(
    model: Model, request: Request, check: Check = lambda _: None
) -> tuple[Any, Answer]:
    """Return the value that *model* answers with, which fits the request's schema.

    An answer that does not fit, or that *check* finds wrong, is shown to the model
    once with what is wrong about it. A good answer is what the cache keeps. Raises
    UnavailableError after the second wrong one, and what `Model.ask` raises.
    """
    schema = request.schema
    assert schema is not None
    request = _with_shape(request, schema)
    answer = model.ask_unkept(request)
    value, wrong = _read(answer, schema, check)
    if wrong:
        answer = model.ask_unkept(_repair(request, answer, wrong))
        value, wrong = _read(answer, schema, check)
    if wrong:
        raise UnavailableError(
            f"{answer.model} did not answer in the form asked for, twice: {wrong}"
            " Try another model."
        )
    model.remember(request, answer)
    return value, answer


def _with_shape(request: Request, schema: Schema) -> Request:
    """Say the shape in words, too: not every server keeps to a schema."""
    words = "Answer with JSON alone, without any text around it, of this schema:\n"
    written = json.dumps(schema.schema, ensure_ascii=False)
    shape = Message(Role.SYSTEM, words + written)
    first, *rest = request.messages
    if first.role is Role.SYSTEM:
        shape = shape._replace(content=f"{first.content}\n\n{shape.content}")
        return request._replace(messages=(shape, *rest))
    return request._replace(messages=(shape, first, *rest))


def _repair(request: Request, answer: Answer, wrong: str) -> Request:
    complaint = f"That cannot be used: {wrong} Answer again with the whole JSON."
    return request._replace(
        messages=(
            *request.messages,
            Message(Role.ASSISTANT, answer.text),
            Message(Role.USER, complaint),
        )
    )


def _read(answer: Answer, schema: Schema, check: Check) -> tuple[Any, str | None]:
    """Return the value in *answer*, and what is wrong with it, if anything."""
    if answer.is_cut:
        return None, "It was cut off in the middle; be shorter."
    try:
        value = parse(answer.text)
    except (ValueError, RecursionError):
        return None, "It is no JSON."
    return value, mismatch(value, schema.schema) or check(value)


def parse(text: str) -> Any:
    """Return the JSON in a model's *text*, which may stand in a code fence.

    Raises ValueError.
    """
    fenced = _FENCED.match(text)
    return json.loads(fenced[1] if fenced else text)


def mismatch(value: Any, schema: Any) -> str | None:
    """Return in what *value* does not fit a JSON Schema, None if it does.

    Names the place and the rule, never the value: that may be a prompt's text.
    """
    from jsonschema import Draft202012Validator  # 25 ms, for few commands

    error = next(Draft202012Validator(schema).iter_errors(value), None)
    if error is None:
        return None
    rule = error.validator_value
    short = f" {rule}" if isinstance(rule, str | int | list) else ""
    return f"At {error.json_path} it breaks the rule {error.validator!r}{short}."
