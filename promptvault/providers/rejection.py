"""Why a server refused a request, read from the bodies that servers send.

A server's own words may quote the key or the prompt. They are matched with patterns
here, and never become part of a message.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

_MOST_WORDS = 20_000
"""Characters; the rest of a longer body is not looked at."""
_DEEPEST = 6


class Reason(Enum):
    """What a server says is wrong with a request; the value is a pattern for it."""

    TOO_LONG = (
        r"context.?length|context.?size|context.?window|maximum context|exceed_context"
        r"|(prompt|input|request|message).{0,40}\btoo (long|large)"
        r"|too many (input )?tokens|token count.{0,60}exceed|when context overflows"
        r"|exceeds? the (available|maximum).{0,30}(context|tokens)|string_above_max"
        r"|(inputs?|prompt).{0,60}must (be|have) (<|less|at most|fewer)"
    )
    NO_CREDIT = (
        r"insufficient.?(quota|credit|balance|fund)|out of credit|no credit"
        r"|credit balance|exceeded your current quota|billing|payment"
    )
    UNKNOWN_MODEL = (
        r"model.{0,120}(not found|does not exist|doesn't exist|not exist|unknown)"
        r"|(unknown|no such|invalid) model|model_not_found|not a valid model"
        r"|no models? (is |are )?loaded|try pulling"
    )
    BUSY = r"rate.?limit|too many requests|overloaded|resource.?exhausted"
    SYSTEM_ROLE = (
        r"\bsystem['\"`]?.{0,20}\b(role|message|prompt|instruction).{0,60}"
        r"\b(not|unsupported|isn't|doesn't|invalid|only)"
        r"|\b(not|unsupported|doesn't).{0,40}\bsystem\b.{0,20}\b(role|message|prompt)"
        r"|roles? must alternate|only user(,| and).{0,30}roles?|developer instruction"
        r"|role.{0,30}\bsystem\b.{0,40}(not|unsupported|invalid|expected)"
    )
    STREAM_OPTIONS = r"stream_options|include_usage"
    BOUNDS = r"(max|min)_?(length|items)\b"
    SCHEMA = (
        r"response_?(format|schema)|json.?schema|structured.?output|output_config"
        r"|additionalproperties|json_validate|failed_generation|grammar|guided"
        r"|json.?mode"
    )
    TEMPERATURE = r"\btemperature\b"
    OTHER_LIMIT_NAME = (
        r"max_tokens.{0,200}max_completion_tokens"
        r"|max_completion_tokens.{0,200}max_tokens"
    )
    STREAM = r"\bstream(ing|ed)?\b"
    LIMIT = r"max_(completion_|output_|new_)?tokens|num_predict"


class Rejection(NamedTuple):
    """An error that a server sent, with its status or within an answer."""

    status: int
    """The HTTP status, or the code in an answer with status 200; 0 for none."""
    words: str
    """The server's words in lower case; see above."""
    code: str = ""
    """The server's name for the error, as "context_length_exceeded"; safe to show."""
    limit: int | None = None
    """The most tokens that it takes, if it says so."""
    asked: int | None = None
    """The tokens that it was asked to take, if it says so."""
    wait: float | None = None
    """Seconds that it asks to wait."""

    def says(self, reason: Reason) -> bool:
        """Return True if the server gives this reason, perhaps among others."""
        return re.search(reason.value, self.words, re.DOTALL) is not None

    @property
    def reason(self) -> Reason | None:
        """The first reason that the server gives, None if it gives none we know."""
        return next(filter(self.says, Reason), None)


def read_rejection(status: int, body: object, wait: float | None = None) -> Rejection:
    """Return the rejection in *body*: parsed JSON, or any text.

    Servers put the error under `error` (an object or a text), under `detail` (a text or
    a list), into a list, or at the top.
    """
    said = "\n".join(_texts(body))[:_MOST_WORDS]
    fields = _error_fields(body)
    numbers = _numbers(said)
    limit = _field(fields, "n_ctx") or _limit(said)
    asked = _field(fields, "n_prompt_tokens") or max(numbers, default=0)
    return Rejection(
        status or _status(fields),
        said.lower(),
        _code(fields),
        limit,
        asked if limit and asked > limit else None,
        wait,
    )


def parse_body(text: str) -> object:
    """Return the JSON in *text*, or *text* if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


_TOLD = {
    *("error", "errors", "detail", "details", "message", "msg", "code", "type"),
    *("status", "param", "reason", "loc", "metadata", "raw", "title", "description"),
}
"""The keys that describe an error. Others, as `input`, hold what was sent."""


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts that describe the error, also those in JSON within JSON."""
    if depth > _DEEPEST:
        return
    match value:
        case str() if depth and value.lstrip().startswith(("{", "[")):
            inner = parse_body(value)
            yield from [value] if inner == value else _texts(inner, depth + 1)
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each, depth + 1)
        case dict():
            for key, each in value.items():
                if key in _TOLD:
                    yield from _texts(each, depth + 1)


def _error_fields(body: object) -> dict[str, Any]:
    """Return the object that describes the error, {} if there is none."""
    match body:
        case [first, *_]:
            return _error_fields(first)
        case {"error": dict(inner)}:
            return inner
        case dict():
            return body
    return {}


def _status(fields: dict[str, Any]) -> int:
    for name in ("code", "status", "status_code"):
        value = fields.get(name)
        if isinstance(value, str) and value.isdecimal() and value.isascii():
            value = int(value[:3])
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return 0


_CODE = re.compile(r"[a-z]+(_[a-z]+){1,7}")


def _code(fields: dict[str, Any]) -> str:
    """Return the error's name: it is made of words, so it quotes nothing."""
    for name in ("code", "type", "status"):
        value = fields.get(name)
        if isinstance(value, str) and _CODE.fullmatch(value.lower()):
            return value.lower()
    return ""


_NUMBER = re.compile(r"(?<![\w.-])\d{1,3}(?:,\d{3})+(?![\w.])|(?<![\w.-])\d{2,9}(?!\w)")
_LIMIT = re.compile(
    r"(?:context (?:length|size|window)|maximum|max|limit|at most|allowed|exceeds?|<=?)"
    r"[^0-9]{0,60}?(\d[\d,]*)"
    r"|(\d[\d,]*) (?:token )?(?:context|maximum|max)\b"
    r"|> (\d[\d,]*)",
    re.IGNORECASE,
)


def _numbers(text: str) -> list[int]:
    return [int(found[0].replace(",", "")) for found in _NUMBER.finditer(text)]


def _limit(text: str) -> int | None:
    found = _LIMIT.search(text)
    digits = next(filter(None, found.groups()), "") if found else ""
    digits = digits.replace(",", "")
    return int(digits) if digits and len(digits) <= 9 else None


def _field(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and 1 < value <= 10**9 else 0
