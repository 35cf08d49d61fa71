"""The program's standard streams: data to stdout, everything else to stderr."""

import codecs
import os
import re
import sys
from collections.abc import Iterable
from io import TextIOWrapper

from promptvault.errors import InvalidInputError

_ACTING = re.compile(
    r"[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Control characters of a terminal: C0 except line ends and tabs, DEL, C1, and the
marks that change the direction of text.
"""


_NO_COLOUR, _FORCE_COLOUR = "NO_COLOR", "FORCE_COLOR"
_FORCING = (_FORCE_COLOUR, "CLICOLOR_FORCE")


def visible(text: str) -> str:
    """Return *text* with what a terminal would obey as ``\\x1b`` or ``\\u202e``.

    Prompts, their names and those of files may come from a stranger. Line ends and
    tabs stay.
    """
    return _ACTING.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def prepare_streams() -> None:
    """Open streams that the caller closed, and let no locale stop what is printed.

    To a closed stdout, as `>&-` leaves it, nothing can be written: as for any program,
    that is an error once there is data. Messages to a closed stderr are dropped.
    """
    if sys.stdout is None:
        refusing = os.open(os.devnull, os.O_RDONLY)
        sys.stdout = open(refusing, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    codecs.register_error(_PLAINLY, _plainly)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors=_PLAINLY)


_PLAINLY = "promptvault.plainly"
_PLAIN = {"…": ".", "★": "*", "→": ">", "“": '"', "”": '"', "·": "."}
_PLAIN |= dict.fromkeys("─—", "-")
_PLAIN |= dict.fromkeys("█▉▊▋▌▍▎▏▇▆▅▄", "#") | dict.fromkeys("▃▂▁", "_")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of characters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(each, "?") for each in missing), error.end


def write(text: str) -> None:
    """Write data to stdout, byte for byte as UTF-8 whatever the locale."""
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))


def show(text: str) -> None:
    """Write text for a person to stdout, with nothing in it that a terminal obeys."""
    if stdout_is_terminal():
        sys.stdout.write(visible(text))
        sys.stdout.flush()  # before what `write` may send after it
    else:
        write(visible(text))


def write_text(text: str) -> None:
    """Write a text to stdout: byte for byte, but on a terminal as `show` does."""
    if stdout_is_terminal():
        show(text)
    else:
        write(text)


def flush() -> None:
    """Flush stdout, in a command that takes long."""
    sys.stdout.flush()


def discard_output() -> None:
    """Discard all further output, including what is flushed at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(message: str) -> None:
    """Tell the person something, on stderr."""
    sys.stderr.write(f"{visible(message)}\n")


def write_aside(text: str) -> None:
    """Write a part of a text that is no message to stderr, dim if it has colour."""
    dim, end = ("\x1b[2m", "\x1b[0m") if has_colour(sys.stderr.isatty()) else ("", "")
    sys.stderr.write(f"{dim}{visible(text)}{end}")
    sys.stderr.flush()


def report(code: str, message: str, *, as_json: bool) -> None:
    """Report an error on stderr, for a person or for a script."""
    if as_json:
        import json  # as in _json

        note(json.dumps({"error": {"code": code, "message": message}}))
    else:
        sys.stderr.write(f"{_red('Error:')} {visible(message)}\n")


def _red(text: str) -> str:
    return f"\x1b[31m{text}\x1b[0m" if has_colour(sys.stderr.isatty()) else text


def has_colour(is_terminal: bool) -> bool:
    """Return True if a stream should have colour."""
    if os.environ.get(_NO_COLOUR):
        return False
    return is_terminal or bool(os.environ.get(_FORCE_COLOUR))


def choose_colour(when: str) -> None:
    """Decide by *when* ("always", "never", "auto") what is coloured from here on.

    "auto" follows NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, in this order. The choice
    goes into the environment, where the libraries that draw find it.
    """
    environment = os.environ
    if when == "auto":
        forcing = (environment.get(name, "") for name in _FORCING)
        is_forced = any(value not in {"", "0"} for value in forcing)
        when = "always" if is_forced and not environment.get(_NO_COLOUR) else ""
    if when:
        environment.pop(_NO_COLOUR, None)
    for name in _FORCING:
        environment.pop(name, None)
    if when:
        environment[_NO_COLOUR if when == "never" else _FORCE_COLOUR] = "1"


def stdout_is_terminal() -> bool:
    """Return True if stdout is a terminal."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Return True if stdin is a terminal, so that a person can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str, option: str) -> None:
    """Ask a yes/no question; any answer but yes ends the command with exit code 130.

    Raises InvalidInputError, naming the *option* that answers it, without a terminal.
    """
    if not can_ask():
        raise InvalidInputError(f"{question} There is nobody to ask: give {option}.")
    if not agrees(question):
        raise KeyboardInterrupt


def agrees(question: str) -> bool:
    """Ask a yes/no question of the person who is there; anything but yes is no."""
    return ask(f"{question} [y/N]") in {"y", "yes"}


def ask(question: str) -> str:
    """Return the answer of the user, in lower case."""
    sys.stderr.write(f"{visible(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower()


def read_stdin() -> str:
    """Return all of stdin; raises InvalidInputError when it is no UTF-8 text."""
    if sys.stdin is None:
        return ""
    return decode(sys.stdin.buffer.read(), "what came through the pipe")


def read_piped() -> str | None:
    """Return the piped input, None if stdin is a terminal or closed."""
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
    write(_json(value, indent=2) + "\n")


def write_json_rows(rows: Iterable[object], *, lines: bool = False) -> None:
    """Write rows one by one, as a JSON array or as JSON *lines*."""
    start, separator, end = ("", "", "") if lines else ("[", ",", "]\n")
    write(start)
    for index, row in enumerate(rows):
        text = _json(row)
        write(text + "\n" if lines else (separator if index else "") + "\n" + text)
    write(end)


def _json(value: object, indent: int | None = None) -> str:
    """Return *value* as JSON, in which what a terminal would obey is escaped."""
    import json  # 2 ms, which `get` would pay for nothing

    text = json.dumps(value, ensure_ascii=not _takes_unicode(), indent=indent)
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _takes_unicode() -> bool:
    """Return True if stdout takes UTF-8. Only a terminal may have another encoding."""
    return not stdout_is_terminal() or _is_utf_8(sys.stdout.encoding)


def _is_utf_8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").startswith("utf8")
