"""`get`: the text of a prompt, as quickly as can be; it sits in shell loops."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import now, open_reader, paths
from promptvault.errors import InvalidInputError
from promptvault.services.prompts import retrieval
from promptvault.vault.usage import count_use


def get(
    reference: options.Reference,
    values: options.Values = None,
    literals: options.Literals = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print a template as it is, not filled in.")
    ] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Put the text on the clipboard instead.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Print a prompt's text, filled in if it is a template, and nothing else."""
    with open_reader() as reader:
        prompt, version = retrieval.resolve(reader, reference)
        text = version.body
        if not raw:
            given = read_values(values, literals)
            text = retrieval.text_of(
                reader, prompt, version, given, terminal.read_piped
            )
    if copy:
        from promptvault.cli.clipboard import copy_text  # few ask for it

        copy_text(text)
        terminal.note(f"Copied {prompt.name} to the clipboard.")
    elif as_json:
        row = {"name": prompt.name, "version": version.number, "body": text}
        terminal.write_json(row)
    else:
        terminal.write(text)
    count_use(paths().usage, prompt.id, now())


def read_values(pairs: list[str] | None, literals: list[str] | None) -> dict[str, str]:
    """Read what ``-p`` and ``-P`` give: the value of each variable.

    A value of ``-p`` may be ``@FILE``, and ``\\@TEXT`` for a text that begins with
    "@"; one of ``-P`` is taken as it is. Raises InvalidInputError.
    """
    given = {key: _read_value(key, text) for key, text in _split("-p", pairs)}
    exact = dict(_split("-P", literals))
    if twice := given.keys() & exact.keys():
        raise InvalidInputError(f"Both -p and -P give {min(twice)!r}: use one of them.")
    return given | exact


def _split(option: str, pairs: list[str] | None) -> Iterator[tuple[str, str]]:
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidInputError(f"{option} takes KEY=VALUE; {key!r} has no value.")
        yield key, value


def _read_value(key: str, text: str) -> str:
    if text.startswith("\\@"):
        return text[1:]
    try:
        return read_text(text)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{error} '@' before a value of -p reads a file; -P {key}=… takes the"
            " value as it is."
        ) from error


def read_text(given: str) -> str:
    """Return *given*, or what is in FILE for ``@FILE``; raises InvalidInputError."""
    return read_file(Path(given[1:])) if given.startswith("@") else given


def read_file(path: Path) -> str:
    """Return a text file's content; raises InvalidInputError."""
    try:
        return terminal.decode(path.read_bytes(), str(path))
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be read: {reason}.") from error
