"""Passwords of shares: asked, from a file, or from a pipe; never from an argument."""

from pathlib import Path

import typer

from promptvault.cli import terminal
from promptvault.cli.values import read_file
from promptvault.errors import InvalidInputError


def read_password(
    file: str | None, *, asked: bool = False, confirm: bool = False
) -> str | None:
    """Return the password in *file*, where '-' is a pipe, or ask for it if *asked*.

    Returns None without either. Raises InvalidInputError.
    """
    if file is None and not asked:
        return None
    if file is not None and asked:
        raise InvalidInputError("Give --password or --password-file, not both.")
    if file is None:
        return _ask(confirm)
    text = terminal.read_stdin() if file == "-" else read_file(Path(file))
    password = text.removesuffix("\n").removesuffix("\r")
    if not password:
        raise InvalidInputError("The password is empty.")
    return password


def _ask(confirm: bool) -> str:
    if not terminal.can_ask():
        raise InvalidInputError(
            "The password cannot be asked for here: give --password-file."
        )
    return str(
        typer.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    )
