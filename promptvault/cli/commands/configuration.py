"""`config`: settings, and where each value comes from."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault import config as settings_file
from promptvault.cli import options, render, terminal
from promptvault.cli.context import paths
from promptvault.cli.workspace import settings
from promptvault.errors import InvalidInputError

config = typer.Typer(no_args_is_help=True, help="Read and change settings.")

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        autocompletion=lambda: [key.name for key in settings_file.KEYS],
        help="As 'author.name'; 'config list' lists them.",
    ),
]


@config.command("get")
def get(key: Key, as_json: options.Json = False) -> None:
    """Print the value of a setting."""
    found = settings_file.find_key(key)
    setting = settings()[found.name]
    if as_json:
        terminal.write_json(_row(setting))
    else:
        terminal.write(setting.value + "\n")


@config.command("set")
def set_(
    key: Key,
    value: Annotated[
        str | None, typer.Argument(help="The value; leave it out with --unset.")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Back to default.")] = False,
) -> None:
    """Change a setting in the file."""
    if (value is None) != unset:
        raise InvalidInputError("Give either a VALUE or --unset.")
    settings_file.store(paths().config_file, key, value)
    setting = settings()[key]
    terminal.note(f"{key} is {setting.value!r} ({setting.place.value}).")


@config.command("list")
def list_settings(as_json: options.Json = False) -> None:
    """List every setting with its value and where that comes from."""
    found = settings().values()
    if as_json:
        terminal.write_json([_row(setting) for setting in found])
    else:
        render.settings(found)


@config.command("path")
def path(as_json: options.Json = False) -> None:
    """Print where everything is kept."""
    folders = paths()
    places: dict[str, Path] = {
        "config": folders.config_file,
        "vault": folders.database,
        "history": folders.history,
        "usage": folders.usage,
    }
    if as_json:
        terminal.write_json({key: str(place) for key, place in places.items()})
    else:
        for key, place in places.items():
            terminal.write(f"{key}\t{place}\n")


def _row(setting: settings_file.Setting) -> dict[str, object]:
    return {
        "key": setting.key.name,
        "value": setting.value,
        "from": setting.place.value,
        "default": setting.key.default,
        "variable": setting.key.variable,
        "help": setting.key.help,
    }
