"""The program's standard streams: data to stdout, everything else to stderr."""

import json
import os
import re
import sys
from collections.abc import Iterable

from promptvault.errors import InvalidInputError

_CONTROLS = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Return *text* without what a terminal obeys: it may come from a stranger's file
    or its name. Line ends and tabs stay."""
    return _CONTROLS.sub("\ufffd", text)


def open_closed_streams() -> None:
    """Let what is printed go nowhere where the caller closed it, as `>&-` does."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))


def write(text: str) -> None:
    """Write data to stdout, byte for byte as UTF-8 whatever the locale."""
    sys.stdout.buffer.write(text.encode())


def flush() -> None:
    """Let what was written be read, where the command goes on for long."""
    sys.stdout.flush()


def discard_output() -> None:
    """Let nothing more reach stdout, also what is still to be flushed at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(message: str) -> None:
    """Tell the person something, on stderr."""
    sys.stderr.write(f"{harmless(message)}\n")


def report(code: str, message: str, *, as_json: bool) -> None:
    """Report an error on stderr, for a person or for a script."""
    if as_json:
        note(json.dumps({"error": {"code": code, "message": message}}))
    else:
        sys.stderr.write(f"{_red('Error:')} {harmless(message)}\n")


def _red(text: str) -> str:
    return f"\x1b[31m{text}\x1b[0m" if has_colour(sys.stderr.isatty()) else text


def has_colour(is_terminal: bool) -> bool:
    """Tell whether a stream is to be coloured."""
    return is_terminal and not os.environ.get("NO_COLOR")


def stdout_is_terminal() -> bool:
    """Tell whether a person reads what is printed."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Tell whether there is a person to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str, option: str) -> None:
    """Ask a yes/no question; anything but yes ends the command with exit code 130.

    Raises InvalidInputError, naming the *option* that answers it, when there is
    nobody to ask.
    """
    if not can_ask():
        raise InvalidInputError(f"{question} There is nobody to ask: give {option}.")
    if not agrees(question):
        raise KeyboardInterrupt


def agrees(question: str) -> bool:
    """Ask a yes/no question of the person who is there; anything but yes is no."""
    return ask(f"{question} [y/N]") in {"y", "yes"}


def ask(question: str) -> str:
    """Return what the person who is there answers, in lower case."""
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower()


def read_stdin() -> str:
    """Return all of stdin; raises InvalidInputError when it is no UTF-8 text."""
    if sys.stdin is None:
        return ""
    return decode(sys.stdin.buffer.read(), "what came through the pipe")


def read_piped() -> str | None:
    """Return what is piped in, None when stdin is a terminal or closed."""
    return None if sys.stdin is None or sys.stdin.isatty() else read_stdin()


def decode(data: bytes, what: str) -> str:
    """Return *data* as text; raises InvalidInputError when it is no UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"There is a byte that is no UTF-8 text in {what} (at {error.start})."
        ) from None


def write_json(value: object) -> None:
    """Write one JSON document to stdout."""
    write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_json_rows(rows: Iterable[object], *, lines: bool = False) -> None:
    """Write rows one by one, as a JSON array or as JSON *lines*."""
    start, separator, end = ("", "", "") if lines else ("[", ",", "]\n")
    write(start)
    for index, row in enumerate(rows):
        text = json.dumps(row, ensure_ascii=False)
        write(text + "\n" if lines else (separator if index else "") + "\n" + text)
    write(end)
