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


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be set."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()

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
)
_BY_NAME = {key.name: key for key in KEYS}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key with its value, and where that was found."""

    key: Key
    value: str
    place: Place


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
    return value


def load(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return every setting; raises InvalidInputError for a file that is no TOML."""
    stored = _read(file)
    return {key.name: _setting(key, stored, environment) for key in KEYS}


def _setting(
    key: Key, stored: Mapping[str, Any], environment: Mapping[str, str]
) -> Setting:
    if environment.get(key.variable):
        given = check(key, environment[key.variable])
        return Setting(key, given, Place.ENVIRONMENT)
    value: Any = stored
    for part in key.name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return Setting(key, key.default, Place.DEFAULT)
    return Setting(key, check(key, str(value)), Place.FILE)


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
