"""Answers that must be JSON of a given schema: validated, and repaired once."""

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Never

from promptvault.domain.chat import Answer, Message, Request, Role, Schema
from promptvault.domain.schema import BOUNDS, without_keywords
from promptvault.errors import UnavailableError
from promptvault.services.asking.model import Model

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value that fits the schema, None if it is valid."""


class InvalidAnswerError(UnavailableError):
    """The model answered twice, and neither answer fits the schema."""


_UNOPENED_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)
"""A thought whose opening mark stood in the prompt, as some chat formats have it."""
_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)
_LARGEST = 2**63


def ask_json(
    model: Model, request: Request, check: Check = lambda _: None
) -> tuple[Any, Answer]:
    """Return the parsed JSON of the answer to *request*, and the answer itself.

    The value fits the request's schema, except that lists and texts may be longer or
    shorter. If it does not fit, or *check* rejects it, the
    model gets the answer back once with the reason. Only a valid answer is cached, so a
    repeated command does not repeat the repair. Raises InvalidAnswerError after the
    second invalid answer, and what `Model.ask` raises.
    """
    schema = request.schema
    assert schema is not None
    request = _with_schema_text(request, schema)
    answer = model.ask_uncached(request)
    value, wrong = _read(answer, schema, check)
    if wrong:
        answer = model.ask_uncached(_repair(request, answer, wrong))
        value, wrong = _read(answer, schema, check)
    if wrong:
        raise InvalidAnswerError(
            f"{answer.model} did not answer in the form asked for, twice: {wrong}"
            " Try another model."
        )
    model.store(request, answer)
    return value, answer


JSON_ALONE = "Answer with JSON alone, without any text around it, of this schema:"


def _with_schema_text(request: Request, schema: Schema) -> Request:
    """Add the schema to the system message: not every server enforces a schema."""
    written = schema.outline or json.dumps(schema.schema, ensure_ascii=False)
    instructions = Message(Role.SYSTEM, f"{JSON_ALONE}\n{written}")
    first, *rest = request.messages
    if first.role is Role.SYSTEM:
        text = f"{first.content}\n\n{instructions.content}"
        instructions = instructions._replace(content=text)
        return request._replace(messages=(instructions, *rest))
    return request._replace(messages=(instructions, first, *rest))


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
    """Return the value in *answer*, and what is wrong with it or None."""
    if answer.is_cut:
        return None, "It was cut off in the middle; be shorter."
    try:
        value = _extract(answer.text)
    except ValueError:
        return None, "It is no JSON."
    # What is a little too long or too many can be used; the callers cut it.
    rules = without_keywords(schema.schema, BOUNDS)
    return value, find_mismatch(value, rules) or check(value)


def parse_json(text: str) -> Any:
    """Return the JSON in a model's *text*, which may be inside a code fence.

    Raises ValueError for any other text, and for what JSON (RFC 8259) forbids or leaves
    open: NaN, a name twice in an object, numbers above 64 bits, very deep nesting.
    """
    fenced = _FENCE.fullmatch(text)
    return _load(fenced[1] if fenced else text)


def _extract(text: str) -> Any:
    """Return the JSON in *text*, even after a thought or within other text."""
    try:
        return parse_json(text)
    except ValueError as error:
        for part in _parts(_UNOPENED_THOUGHT.sub("", text)):
            with contextlib.suppress(ValueError):
                return _load(part)
        raise error


def _parts(text: str) -> Iterator[str]:
    """Yield the parts of *text* that may be the JSON, the likeliest first."""
    yield from _FENCED.findall(text)
    start = min((i for i in map(text.find, "{[") if i >= 0), default=-1)
    end = max(map(text.rfind, "}]"))
    if 0 <= start < end:
        yield text[start : end + 1]


def _load(text: str) -> Any:
    try:
        return json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None


def _refuse(_: str) -> None:
    raise ValueError("It holds a number that JSON does not have.")


def _float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _beyond()


def _int(text: str) -> int:
    value = int(text)
    return value if -_LARGEST <= value < _LARGEST else _beyond()


def _beyond() -> Never:
    raise ValueError("It holds a number that is too large.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("It has one name twice.")
    return value


def find_mismatch(value: Any, schema: Any) -> str | None:
    """Return how *value* violates a JSON Schema, None if it is valid.

    The message names the path and the rule as the schema does. It never quotes the
    value, which may be the text of a prompt.
    """
    from jsonschema import Draft202012Validator  # 25 ms, for few commands

    error = next(Draft202012Validator(schema).iter_errors(value), None)
    if error is None:
        return None
    rule = error.validator_value
    short = f" {rule}" if isinstance(rule, str | int | list) else ""
    place = _place(error.absolute_path, schema)
    return f"At {place} it breaks the rule {error.validator!r}{short}."


def _place(path: Iterable[str | int], schema: Any) -> str:
    known = json.dumps(schema)
    parts = (
        f"[{part}]"
        if isinstance(part, int)
        else f".{part}"
        if json.dumps(part) in known
        else ".*"
        for part in path
    )
    return "".join(["$", *parts])
