"""Settings: the value of each, and where it comes from."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from promptvault.errors import InvalidInputError
from promptvault.private_file import write_private
from promptvault.setting_key import (
    KEYS,
    SettingKey,
    SettingKind,
    check_setting,
    find_key,
)

HIDDEN = "(hidden)"
"""Printed in place of a secret."""


class SettingSource(StrEnum):
    """The source of a setting's value; a later one overrides an earlier one."""

    DEFAULT = "default"
    KEYRING = "keyring"
    CREDENTIALS = "credentials"
    """A private file, if the system has no keyring."""
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting with its value and source."""

    key: SettingKey
    value: str = field(repr=False)
    source: SettingSource

    @property
    def number(self) -> float | None:
        """The value as a number, None if it is empty."""
        return float(self.value) if self.value else None

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        if self.key.is_secret:
            return HIDDEN if self.value else ""
        if self.key.kind is SettingKind.URL:
            return _PASSWORD.sub(HIDDEN, self.value)
        return self.value


_PASSWORD = re.compile(r"(?<=://)[^/?]*(?=@)|(?<=\?).+")
"""User and password in a URL, and its query, which may also hold a key."""


class Settings(Mapping[str, Setting]):
    """Every setting, by name.

    A value is checked when it is read, so that an invalid setting does not stop a
    command that does not use it. Reading it raises InvalidInputError.
    """

    def __init__(
        self, file: Path, stored: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._file = file
        self._stored = stored
        self._environment = environment

    def __iter__(self) -> Iterator[str]:
        return iter(KEYS)

    def __len__(self) -> int:
        return len(KEYS)

    def __getitem__(self, name: str) -> Setting:
        key = KEYS[name]
        for variable in (key.variable, key.also):
            given = self._environment.get(variable, "").strip()
            if given:
                return Setting(
                    key, check_setting(key, given, variable), SettingSource.ENVIRONMENT
                )
        stored = self._stored_value(key)
        if stored:
            return Setting(key, check_setting(key, stored), SettingSource.FILE)
        return Setting(key, key.default, SettingSource.DEFAULT)

    def _stored_value(self, key: SettingKey) -> str:
        """Return the value of *key* in the file, '' if it is not set."""
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


def load_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return all settings; raises InvalidInputError if *file* is not valid TOML."""
    return Settings(file, _read(file), environment)


_ENCODING = "utf-8-sig"  # Windows editors add a byte order mark
_POSITION = re.compile(r"\(at (.+)\)$")


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding=_ENCODING))
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


def store_setting(file: Path, name: str, value: str | None) -> None:
    """Write one setting into *file*, whose comments are kept; None removes it.

    Raises InvalidInputError for an unknown name, an invalid value, or a file that
    cannot be read or written.
    """
    key = find_key(name)
    stored = _read(file)  # raises if the file is not TOML
    checked = None if value is None else check_setting(key, value.strip())
    if stored or checked is not None:
        text = _changed(file, key, checked)
        try:
            write_private(file.resolve(), text)  # keeps a symbolic link
        except OSError as error:
            reason = error.strerror
            raise InvalidInputError(f"{file} cannot be written: {reason}.") from error


def _changed(file: Path, key: SettingKey, value: str | None) -> str:
    import tomlkit  # takes 50 ms, which only `config set` needs

    text = file.read_text(encoding=_ENCODING) if file.exists() else ""
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
