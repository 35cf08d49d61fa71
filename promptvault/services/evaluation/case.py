"""The cases of `eval`: parsed from a file; an error names its case and key."""

import contextlib
import hashlib
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from promptvault.domain.prompt import clean_line
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.importers.tools import yaml_document
from promptvault.services.asking.json_schema import validate_schema
from promptvault.services.evaluation.check import JUDGE, Check

_SUITE_KEYS = ("cases", "model", "judge")
_CASE_KEYS = ("name", "inputs", "stdin", "checks")


class Case(NamedTuple):
    """The inputs of one test, and the checks on its answer."""

    name: str
    inputs: dict[str, str]
    """Template variables."""
    stdin: str | None
    checks: tuple[Check, ...]

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criteria of the checks that a model judges."""
        return tuple(text for c in self.checks if c.key == JUDGE for text in c.expected)


class Suite(NamedTuple):
    """The cases of one file."""

    cases: tuple[Case, ...]
    model: str | None = None
    """The model to ask, unless an option names another."""
    judge: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the cases."""
        return tuple(case.name for case in self.cases)

    @property
    def digest(self) -> str:
        """A hash of the cases, in hexadecimal, independent of the file format."""
        text = json.dumps(self.cases, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def parse_suite(text: str, name: str, folder: Path) -> Suite:
    """Parse cases from *text*, in the format that the suffix of *name* says.

    Relative paths in `{file: PATH}` start at *folder*. Raises InvalidInputError, which
    names the case, counted from 1, and the key.
    """
    with _at(name):
        loaded = parse_data(text, name)
        fields = loaded if isinstance(loaded, dict) else {"cases": loaded}
        _refuse_others(fields, _SUITE_KEYS)
        rows = fields.get("cases")
        if not isinstance(rows, list):
            raise InvalidInputError(
                "there must be a list of cases, by itself or under 'cases'."
            )
        if not rows:
            raise InvalidInputError("there are no cases in it.")
        cases = tuple(_case(row, n, folder) for n, row in enumerate(rows, 1))
        _refuse_same_names(cases)
        model, judge = (_optional(fields, key, _line) for key in ("model", "judge"))
        return Suite(cases, model, judge)


@contextlib.contextmanager
def _at(place: str) -> Iterator[None]:
    """Put *place* in front of the message of an InvalidInputError."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(f"{place}: {error}") from None


def _refuse_others(fields: dict[Any, Any], known: Sequence[str]) -> None:
    for key in fields:
        if key not in known:
            listed = ", ".join(known)
            raise InvalidInputError(f"there is no key {key!r}; known are: {listed}.")


def _refuse_same_names(cases: Sequence[Case]) -> None:
    seen: dict[str, int] = {}
    for number, case in enumerate(cases, 1):
        first = seen.setdefault(case.name, number)
        if first != number:
            raise InvalidInputError(
                f"cases {first} and {number} have the same name, {case.name!r}."
            )


def _case(row: Any, number: int, folder: Path) -> Case:
    with _at(f"case {number}"):
        if not isinstance(row, dict):
            raise InvalidInputError("it must map keys to values.")
        _refuse_others(row, _CASE_KEYS)
        return Case(
            _optional(row, "name", _line) or f"case {number}",
            _optional(row, "inputs", lambda given: _inputs(given, folder)) or {},
            _optional(row, "stdin", lambda given: _text_or_file(given, folder)),
            _checks(row.get("checks"), folder),
        )


def _optional(fields: dict[str, Any], key: str, read: Callable[[Any], Any]) -> Any:
    if fields.get(key) is None:
        return None
    with _at(key):
        return read(fields[key])


def _inputs(given: Any, folder: Path) -> dict[str, str]:
    if not isinstance(given, dict):
        raise InvalidInputError("it must map each variable to its value.")
    values = {}
    for key, value in given.items():
        with _at(str(key)):
            values[str(key)] = _input(value, folder)
    return values


def _input(value: Any, folder: Path) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return _text_or_file(value, folder)


def _text_or_file(value: Any, folder: Path) -> str:
    path = _file(value)
    return _read(folder / path) if path else _text(value)


def _file(value: Any) -> str | None:
    """Return PATH of ``{file: PATH}``, None for any other value."""
    is_file = isinstance(value, dict) and value.keys() == {"file"}
    return value["file"] if is_file and isinstance(value["file"], str) else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InvalidInputError(f"{path} cannot be read: {reason}.") from None


def _checks(given: Any, folder: Path) -> tuple[Check, ...]:
    with _at("checks"):
        if not isinstance(given, dict) or not given:
            raise InvalidInputError("a case needs at least one, as 'contains: Dear'.")
        _refuse_others(given, tuple(_READERS))
        found = []
        for key, value in given.items():
            with _at(key):
                found.append(Check(key, _READERS[key](value, folder)))
        return tuple(found)


def _text(value: Any, _: Path | None = None) -> str:
    if not isinstance(value, str):
        raise InvalidInputError("it must be text; put it in quotes.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInputError("it is no valid UTF-8 text.") from None
    return value


def _line(value: Any) -> str:
    line = clean_line(_text(value))
    if not line:
        raise InvalidInputError("it must not be empty.")
    return line


def _texts(value: Any, _: Path) -> tuple[str, ...]:
    texts = tuple(map(_text, value if isinstance(value, list) else [value]))
    if not texts or not all(texts):
        raise InvalidInputError("it must be text or a list of texts, none of it empty.")
    return texts


def _patterns(value: Any, folder: Path) -> tuple[str, ...]:
    patterns = _texts(value, folder)
    for pattern in patterns:
        try:
            with warnings.catch_warnings(action="ignore"):
                re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            message = f"{pattern!r} is no regular expression: {error}."
            raise InvalidInputError(message) from None
    return patterns


def _true(value: Any, _: Path) -> bool:
    if value is not True:
        raise InvalidInputError("it can only be true.")
    return True


def _schema(value: Any, folder: Path) -> dict[str, Any]:
    path = _file(value)
    if path:
        value = parse_data(_read(folder / path), path)
    if not isinstance(value, dict):
        raise InvalidInputError("it must be a JSON Schema, or {file: PATH} of one.")
    try:
        schema = json.loads(json.dumps(value))  # makes number keys of YAML text
    except (TypeError, ValueError, RecursionError):
        raise InvalidInputError("it holds a value that JSON does not have.") from None
    validate_schema(schema)
    return dict(schema)


def _whole(value: Any, folder: Path) -> int:
    if not isinstance(value, int):
        raise InvalidInputError("it must be a whole number.")
    return int(_number(value, folder))


def _number(value: Any, _: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidInputError("it must be a number above 0.")
    return value


_READERS: dict[str, Callable[[Any, Path], Any]] = {
    "contains": _texts,
    "icontains": _texts,
    "not_contains": _texts,
    "equals": _text,
    "regex": _patterns,
    "not_regex": _patterns,
    "json": _true,
    "json_schema": _schema,
    JUDGE: _texts,
    "max_words": _whole,
    "max_chars": _whole,
    "max_tokens": _whole,
    "max_seconds": _number,
}
"""How the expected value of each check is parsed; `check.py` decides the checks."""


_JSON, _LINES, _YAML = (".json",), (".jsonl", ".ndjson"), (".yaml", ".yml")


def parse_data(text: str, name: str) -> Any:
    """Parse *text* as YAML, JSON or JSON Lines, as the suffix of *name* says.

    JSON Lines become a list of rows; times in YAML stay text. With any other suffix the
    format is detected from the text. Raises InvalidInputError, also if a mapping has
    the same key twice.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InvalidInputError("it is empty.")
    ending = PurePath(name).suffix.lower()
    if ending in _YAML:
        return _yaml(text)
    if ending in _LINES:
        return _lines(text)
    if ending in _JSON:
        return _json(text, 1)
    return _parse_unknown(text)


def _parse_unknown(text: str) -> Any:
    """Parse *text* of an unknown format: JSON is also YAML, but JSON Lines are not."""
    lines = [line for line in text.splitlines() if line.strip()]
    starts_rows = all(line.lstrip().startswith("{") for line in lines)
    if starts_rows and len(lines) > 1:
        return _lines(text)
    if text.lstrip().startswith(("{", "[")):
        return _json(text, 1)
    return _yaml(text)


def _lines(text: str) -> list[Any]:
    numbered = enumerate(text.split("\n"), 1)
    return [_json(line, number) for number, line in numbered if line.strip()]


def _json(text: str, line: int) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise InvalidInputError(f"it is no JSON ({where}: {error.msg}).") from None
    except (ValueError, RecursionError):
        message = "it is nested too deeply, or a number in it is too long."
        raise InvalidInputError(message) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidInputError(f"the key {twice!r} appears twice in one mapping.")
    return fields


def _yaml(text: str) -> Any:
    try:
        loaded = yaml_document.parse(text)
    except ImportSourceError as error:
        raise InvalidInputError(f"{error}.") from None
    twice = yaml_document.repeated_key(text)
    if twice is not None:
        key, line = twice
        raise InvalidInputError(
            f"the key {key!r} appears twice in one mapping (line {line})."
        )
    return loaded
