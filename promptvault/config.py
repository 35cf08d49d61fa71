"""Settings: what there is to set, and where each value comes from."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from promptvault import setting_value
from promptvault.errors import InvalidInputError
from promptvault.private_file import write_private

HIDDEN = "(hidden)"
"""What stands for a key wherever settings are printed."""


class Place(StrEnum):
    """Where a setting's value comes from; a later place wins over an earlier one."""

    DEFAULT = "default"
    KEYRING = "keyring"
    CREDENTIALS = "credentials"
    """A private file, where the system has no keyring."""
    FILE = "file"
    ENVIRONMENT = "environment"


class Kind(StrEnum):
    """What a setting's value must be."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    SWITCH = "switch"
    """Either "true" or "false"."""
    URL = "url"
    """The address of a server; a password in it is never printed."""
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
    least: float = 0
    """The smallest number that it can be."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PROMPTVAULT_" + self.name.upper().replace(".", "_")

    @property
    def is_secret(self) -> bool:
        """Whether its value must not be seen."""
        return self.kind is Kind.SECRET


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
        kind=Kind.URL,
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
    Key(
        "ai.fallback_base_url",
        "",
        "Its server; without it, the same as the first.",
        kind=Kind.URL,
    ),
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
    Key("ai.cache", "true", "Whether answers are kept.", kind=Kind.SWITCH),
    Key(
        "ai.concurrency",
        "4",
        "Requests at the same time.",
        kind=Kind.INTEGER,
        least=1,
    ),
    Key(
        "ai.requests_per_minute",
        "0",
        "The most requests a minute; 0 for any number.",
        kind=Kind.NUMBER,
    ),
    Key("ai.retries", "4", "How often what failed is asked again.", kind=Kind.INTEGER),
    Key(
        "ai.timeout",
        "120",
        "Seconds that a server may stay silent.",
        kind=Kind.NUMBER,
        least=0.001,
    ),
    Key(
        "sync.server",
        "",
        "The server to sync with, which 'login --server' sets.",
        kind=Kind.URL,
    ),
    Key(
        "sync.insecure",
        "false",
        "Whether it may be reached without encryption, by http.",
        kind=Kind.SWITCH,
    ),
)
_BY_NAME = {key.name: key for key in KEYS}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key with its value, and where that was found."""

    key: Key
    value: str = field(repr=False)
    place: Place

    @property
    def number(self) -> float | None:
        """The value as a number, None where it is empty."""
        return float(self.value) if self.value else None

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        if self.key.is_secret:
            return HIDDEN if self.value else ""
        if self.key.kind is Kind.URL:
            return _PASSWORD.sub(HIDDEN, self.value)
        return self.value


_PASSWORD = re.compile(r"(?<=://)[^/?]*(?=@)|(?<=\?).+")
"""The user and the password in a URL, and the query, which may hold a key as well."""


class Settings(Mapping[str, Setting]):
    """Every setting, by name.

    One is read when it is asked for, so what is wrong with it does not stop a command
    that has no use for it. That raises InvalidInputError, which names the setting.
    """

    def __init__(
        self, file: Path, stored: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._file = file
        self._stored = stored
        self._environment = environment

    def __iter__(self) -> Iterator[str]:
        return iter(_BY_NAME)

    def __len__(self) -> int:
        return len(_BY_NAME)

    def __getitem__(self, name: str) -> Setting:
        key = _BY_NAME[name]
        for variable in (key.variable, key.also):
            given = self._environment.get(variable, "").strip()
            if given:
                return Setting(key, check(key, given, variable), Place.ENVIRONMENT)
        written = self._written(key)
        if written:
            return Setting(key, check(key, written), Place.FILE)
        return Setting(key, key.default, Place.DEFAULT)

    def _written(self, key: Key) -> str:
        """Return what the file has for *key*; '' counts as nothing."""
        *tables, last = key.name.split(".")
        value: Any = self._stored
        for table in tables:
            value = value.get(table, {})
            if not isinstance(value, Mapping):
                raise InvalidInputError(_no_table(self._file, table))
        value = value.get(last, "")
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, str | int | float):
            raise InvalidInputError(
                f"{key.name} in {self._file} must be a text, a number, true or false."
            )
        return str(value).strip()


def _no_table(file: Path, table: str) -> str:
    return f"{table!r} in {file} must be a table, which begins with [{table}]."


def find_key(name: str) -> Key:
    """Return the key called *name*; raises InvalidInputError."""
    if name not in _BY_NAME:
        known = ", ".join(_BY_NAME)
        raise InvalidInputError(f"There is no setting {name!r}; there are {known}.")
    return _BY_NAME[name]


def check(key: Key, value: str, source: str = "") -> str:
    """Return *value* as *key* has it; raises InvalidInputError, without the value.

    *source* is the option or the variable that it comes from, else the setting.
    """
    name = source or key.name
    match key.kind:
        case Kind.SECRET:
            return setting_value.secret(name, value)
        case Kind.URL:
            return setting_value.url(name, value)
        case Kind.SWITCH:
            return setting_value.switch(name, value)
        case Kind.NUMBER:
            return setting_value.number(name, value, key.least)
        case Kind.INTEGER:
            return setting_value.integer(name, value, key.least)
    if key.choices and value not in key.choices:
        allowed = ", ".join(key.choices)
        raise InvalidInputError(f"{name} must be one of: {allowed}.")
    return value


def load(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return every setting; raises InvalidInputError for a file that is no TOML."""
    return Settings(file, _read(file), environment)


_POSITION = re.compile(r"\(at (.+)\)$")


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{file} cannot be read: {reason}.") from error
    except UnicodeDecodeError:
        raise InvalidInputError(f"{file} is no UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        # Its message may quote the file, and there may be a key in that.
        found = _POSITION.search(str(error))
        where = f" ({found[1]})" if found else ""
        raise InvalidInputError(f"{file} is no valid TOML{where}.") from None


def store(file: Path, name: str, value: str | None) -> None:
    """Write one setting into *file*, comments kept; None takes it out.

    Raises InvalidInputError for an unknown key or a value it cannot have.
    """
    key = find_key(name)
    stored = _read(file)  # which refuses what is no TOML
    checked = None if value is None else check(key, value.strip())
    if stored or checked is not None:
        text = _changed(file, key, checked)
        try:
            write_private(file.resolve(), text)  # which leaves a link where it is
        except OSError as error:
            reason = error.strerror
            raise InvalidInputError(f"{file} cannot be written: {reason}.") from error


def _changed(file: Path, key: Key, value: str | None) -> str:
    import tomlkit  # 50 ms that only `config set` needs

    text = file.read_text(encoding="utf-8") if file.exists() else ""
    document = tomlkit.parse(text)
    *tables, last = key.name.split(".")
    table: Any = document
    for part in tables:
        table = table.setdefault(part, tomlkit.table())
        if not isinstance(table, Mapping):
            raise InvalidInputError(_no_table(file, part))
    if value is None:
        table.pop(last, None)
    else:
        table[last] = value
    return tomlkit.dumps(document)
