"""Settings: what there is to set, and where each value comes from."""

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
"""What stands for a key wherever settings are printed."""


class SettingSource(StrEnum):
    """Where a setting's value comes from; a later place wins over an earlier one."""

    DEFAULT = "default"
    KEYRING = "keyring"
    CREDENTIALS = "credentials"
    """A private file, where the system has no keyring."""
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Setting:
    """A key with its value, and where that was found."""

    key: SettingKey
    value: str = field(repr=False)
    source: SettingSource

    @property
    def number(self) -> float | None:
        """The value as a number, None where it is empty."""
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
        written = self._written(key)
        if written:
            return Setting(key, check_setting(key, written), SettingSource.FILE)
        return Setting(key, key.default, SettingSource.DEFAULT)

    def _written(self, key: SettingKey) -> str:
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


def load_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return every setting; raises InvalidInputError for a file that is no TOML."""
    return Settings(file, _read(file), environment)


_ENCODING = "utf-8-sig"  # editors of Windows put a byte order mark first
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
    """Write one setting into *file*, comments kept; None takes it out.

    Raises InvalidInputError for an unknown key or a value it cannot have.
    """
    key = find_key(name)
    stored = _read(file)  # which refuses what is no TOML
    checked = None if value is None else check_setting(key, value.strip())
    if stored or checked is not None:
        text = _changed(file, key, checked)
        try:
            write_private(file.resolve(), text)  # which leaves a link where it is
        except OSError as error:
            reason = error.strerror
            raise InvalidInputError(f"{file} cannot be written: {reason}.") from error


def _changed(file: Path, key: SettingKey, value: str | None) -> str:
    import tomlkit  # 50 ms that only `config set` needs

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
