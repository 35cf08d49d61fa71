"""Settings: what there is to set, and where each value comes from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from promptvault.errors import InvalidInputError


class Place(StrEnum):
    """Where a setting's value comes from; a later place wins over an earlier one."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


class Kind(StrEnum):
    """What a setting's value must be."""

    TEXT = "text"
    NUMBER = "number"
    SECRET = "secret"
    """A key: never printed, and kept in the keyring."""


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be set."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()
    kind: Kind = Kind.TEXT
    also: str = ""
    """Another environment variable that sets it, which other tools know, too."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PROMPTVAULT_" + self.name.upper().replace(".", "_")


KEYS = (
    Key("author.name", "", "Who makes the changes; without it, git's own user.name."),
    Key("author.email", "", "Their address; without it, git's own user.email."),
    Key("editor", "", "The editor; without it, $VISUAL, $EDITOR, then vi."),
    Key(
        "import.take",
        "first",
        "What an import takes from each conversation.",
        ("first", "all", "system"),
    ),
    Key("ai.model", "gpt-5.4-mini", "The model that is asked."),
    Key(
        "ai.base_url",
        "https://api.openai.com/v1",
        "The server that is asked: any that speaks OpenAI's Chat Completions.",
        also="OPENAI_BASE_URL",
    ),
    Key(
        "ai.api_key",
        "",
        "The key for it; 'config set' puts it into the keyring.",
        kind=Kind.SECRET,
        also="OPENAI_API_KEY",
    ),
    Key("ai.fallback_model", "", "The model that is asked when the first is down."),
    Key("ai.fallback_base_url", "", "Its server; without it, the same as the first."),
    Key(
        "ai.fallback_api_key",
        "",
        "The key for that server, if it is another one.",
        kind=Kind.SECRET,
    ),
    Key(
        "ai.budget_usd",
        "",
        "The most that models may cost in a month.",
        kind=Kind.NUMBER,
    ),
    Key(
        "ai.command_budget_usd",
        "",
        "The most that models may cost in one command.",
        kind=Kind.NUMBER,
    ),
    Key(
        "ai.price_input",
        "",
        "US dollars for a million tokens sent, of a model that is in no price list.",
        kind=Kind.NUMBER,
    ),
    Key(
        "ai.price_output",
        "",
        "US dollars for a million tokens of its answers.",
        kind=Kind.NUMBER,
    ),
    Key("ai.cache", "true", "Whether answers are kept.", ("true", "false")),
    Key("ai.concurrency", "4", "Requests at the same time.", kind=Kind.NUMBER),
    Key(
        "ai.requests_per_minute",
        "0",
        "The most requests a minute; 0 for any number.",
        kind=Kind.NUMBER,
    ),
    Key("ai.retries", "4", "How often what failed is asked again.", kind=Kind.NUMBER),
    Key(
        "ai.timeout",
        "120",
        "Seconds that a server may stay silent.",
        kind=Kind.NUMBER,
    ),
)
_BY_NAME = {key.name: key for key in KEYS}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key with its value, and where that was found."""

    key: Key
    value: str
    place: Place

    @property
    def number(self) -> float | None:
        """The value as a number, None where it is empty."""
        return float(self.value) if self.value else None


Settings = Mapping[str, Setting]


def find_key(name: str) -> Key:
    """Return the key called *name*; raises InvalidInputError."""
    if name not in _BY_NAME:
        known = ", ".join(_BY_NAME)
        raise InvalidInputError(f"There is no setting {name!r}; there are {known}.")
    return _BY_NAME[name]


def check(key: Key, value: str) -> str:
    """Return *value* if *key* can have it; raises InvalidInputError."""
    if key.choices and value not in key.choices:
        allowed = ", ".join(key.choices)
        raise InvalidInputError(f"{key.name} must be one of: {allowed}.")
    if key.kind is Kind.NUMBER and value and not _is_amount(value):
        raise InvalidInputError(f"{key.name} must be a number, not below 0.")
    return value


def _is_amount(text: str) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False


def load(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return every setting; raises InvalidInputError for a file that is no TOML."""
    stored = _read(file)
    return {key.name: _setting(key, stored, environment) for key in KEYS}


def _setting(
    key: Key, stored: Mapping[str, Any], environment: Mapping[str, str]
) -> Setting:
    given = environment.get(key.variable) or environment.get(key.also)
    if given:
        return Setting(key, check(key, given), Place.ENVIRONMENT)
    value: Any = stored
    for part in key.name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return Setting(key, key.default, Place.DEFAULT)
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return Setting(key, check(key, written), Place.FILE)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{file} cannot be read: {reason}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} is no valid TOML: {error}.") from error


def store(file: Path, name: str, value: str | None) -> None:
    """Write one setting into *file*, comments kept; None takes it out.

    Raises InvalidInputError for an unknown key or a value it cannot have.
    """
    import tomlkit  # 50 ms that only `config set` needs

    key = find_key(name)
    _read(file)  # which refuses what is no TOML
    document = tomlkit.parse(file.read_text()) if file.exists() else tomlkit.document()
    *tables, last = key.name.split(".")
    table: Any = document
    for part in tables:
        table = table.setdefault(part, tomlkit.table())
        if not isinstance(table, Mapping):
            raise InvalidInputError(f"{part!r} in {file} must be a table.")
    if value is None:
        table.pop(last, None)
    else:
        table[last] = check(key, value)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(tomlkit.dumps(document))
    fresh.replace(file)
