"""The values that ``-p`` and ``-P`` give, and texts from files."""

from collections.abc import Iterator
from pathlib import Path

from promptvault.cli import terminal
from promptvault.domain.prompt import MAX_BODY_CHARACTERS
from promptvault.errors import InvalidInputError


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
        if not key:
            raise InvalidInputError(f"{option} takes KEY=VALUE; {pair!r} has no name.")
        if not equals:
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
    if given == "@":
        raise InvalidInputError("There is no file name after '@'.")
    return read_file(Path(given[1:])) if given.startswith("@") else given


def read_file(path: Path) -> str:
    """Return a text file's content; raises InvalidInputError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BODY_CHARACTERS + 1)
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be read: {reason}.") from error
    if len(data) > MAX_BODY_CHARACTERS:
        raise InvalidInputError(f"{path} is longer than 64 MiB.")
    return terminal.decode(data, str(path))
