"""`config`: settings, and the source of each value."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import paths
from promptvault.cli.render.prompts import print_settings
from promptvault.cli.rows.setting import setting_row
from promptvault.cli.workspace import settings
from promptvault.config import HIDDEN, Setting, SettingSource, store_setting
from promptvault.credentials import (
    delete_credential,
    find_credential_source,
    store_credential,
)
from promptvault.errors import InvalidInputError
from promptvault.setting_key import KEYS, SettingKey, check_setting, find_key

config = typer.Typer(no_args_is_help=True, help="Read and change settings.")

KeyName = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        autocompletion=lambda: list(KEYS),
        help="As 'author.name'; 'config list' lists them.",
    ),
]


@config.command("get")
def get(key: KeyName, as_json: options.Json = False) -> None:
    """Print the value of a setting; a secret is hidden."""
    setting = _setting(find_key(key))
    if as_json:
        terminal.write_json(setting_row(setting))
    else:
        terminal.show(setting.shown + "\n")


@config.command("set")
def set_(
    key: KeyName,
    value: Annotated[
        str | None,
        typer.Argument(
            help="The value. Omit it with --unset, and for a secret, which is asked for"
            " or read from standard input ('-'), and stored in the keyring."
        ),
    ] = None,
    unset: Annotated[
        bool, typer.Option("--unset", help="Restore the default.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Change a setting in the file, or a secret in the keyring."""
    found = find_key(key)
    if value is not None and unset:
        raise InvalidInputError("Give either a VALUE or --unset.")
    if found.is_secret:
        _unset_secret(key) if unset else _set_secret(found, value)
    elif value is None and not unset:
        raise InvalidInputError("Give either a VALUE or --unset.")
    else:
        store_setting(paths().config_file, key, value)
    setting = _setting(found)
    if as_json:
        terminal.write_json(setting_row(setting))
    else:
        terminal.note(f"{key} is {_describe(setting)}.")


def _describe(setting: Setting) -> str:
    if not setting.key.is_secret:
        return f"{setting.shown!r} ({setting.source.value})"
    match setting.source:
        case SettingSource.KEYRING:
            return "in the system's keyring"
        case SettingSource.CREDENTIALS:
            return f"in a file that only you can read, in {paths().credentials}"
        case SettingSource.DEFAULT:
            return "not set"
        case place:
            return f"the one of the {place.value}, which comes first"


def _set_secret(key: SettingKey, value: str | None) -> None:
    settings()  # raises for an unreadable file before anything is stored
    if value == "-":
        value = None
    if value is not None:
        terminal.note(
            "The shell's history may hold this key. Without VALUE you are asked for it."
        )
    secret = check_setting(key, value if value is not None else _ask(key.name))
    store_credential(paths().credentials, key.name, secret)
    store_setting(
        paths().config_file, key.name, None
    )  # the file would override the keyring


def _ask(name: str) -> str:
    if terminal.can_ask():
        return str(typer.prompt(name, hide_input=True, err=True))
    piped = terminal.read_stdin().strip()
    if not piped:
        raise InvalidInputError(f"There is no terminal to ask for {name}: pipe it in.")
    return piped


def _unset_secret(name: str) -> None:
    store_setting(paths().config_file, name, None)
    delete_credential(paths().credentials, name)


@config.command("list")
def list_settings(as_json: options.Json = False) -> None:
    """List all settings with their values and sources."""
    found = [_setting(key) for key in KEYS.values()]
    if as_json:
        terminal.write_json([setting_row(setting) for setting in found])
    else:
        print_settings(found)


@config.command("path")
def path(as_json: options.Json = False) -> None:
    """Print the paths of all files."""
    folders = paths()
    places: dict[str, Path] = {
        "config": folders.config_file,
        "vault": folders.database,
        "history": folders.history,
        "usage": folders.usage,
        "activity": folders.activity,
        "responses": folders.responses,
        "credentials": folders.credentials,
        "log": folders.log,
    }
    if as_json:
        terminal.write_json({key: str(place) for key, place in places.items()})
    else:
        for key, place in places.items():
            terminal.show(f"{key}\t{place}\n")


def _setting(key: SettingKey) -> Setting:
    """Return a setting, including stored secrets, without asking the keyring."""
    setting = settings()[key.name]
    place = (
        find_credential_source(paths().credentials, key.name) if key.is_secret else None
    )
    if setting.value or place is None:
        return setting
    return Setting(key, HIDDEN, place)
