"""Reading the plain forms of arguments; what is not plain is left to Typer."""

from collections.abc import Callable, Mapping, Sequence

from promptvault.cli import terminal
from promptvault.cli.context import take_vault

Answer = Callable[[], None]

_GET_FLAGS = ("--raw", "--copy", "--json")
_GET_OPTIONS = {"-p": "-p", "--param": "-p", "-P": "-P", "--literal-param": "-P"}


def find_answer(arguments: Sequence[str]) -> Answer | None:
    """Return a function that runs the command; None if Typer must read *arguments*.

    The function raises the errors that the command raises.
    """
    match arguments:
        case ["get", *words]:
            return _get(words)
        case ["list", *words] if "--plain" in words:
            return _list_plain(words)
        case ["search", *words] if not terminal.stdout_is_terminal():
            return _search(words)
    return None


def _get(words: Sequence[str]) -> Answer | None:
    parsed = _parse(words, _GET_FLAGS, _GET_OPTIONS)
    if parsed is None or len(parsed[0]) != 1 or "://" in parsed[0][0]:
        return None
    from promptvault.cli.quick.get import print_text

    (reference,), given, flags = parsed
    return lambda: print_text(
        take_vault(reference),
        given.get("-p"),
        given.get("-P"),
        raw="--raw" in flags,
        copy="--copy" in flags,
        as_json="--json" in flags,
    )


def _list_plain(words: Sequence[str]) -> Answer | None:
    parsed = _parse(words, ("--plain",), {})
    if parsed is None or len(parsed[0]) > 1:
        return None
    from promptvault.cli.quick.names import print_names
    from promptvault.vault.reader import Selection

    folder = next(iter(parsed[0]), None)
    return lambda: print_names(Selection(folder and take_vault(folder)))


def _search(words: Sequence[str]) -> Answer | None:
    parsed = _parse(words, (), {})
    if parsed is None or not parsed[0]:
        return None
    from promptvault.cli.quick.hits import print_matches

    query = " ".join(parsed[0])
    return lambda: print_matches(query)


def _parse(
    words: Sequence[str], flags: Sequence[str], options: Mapping[str, str]
) -> tuple[list[str], dict[str, list[str]], set[str]] | None:
    """Return the arguments, the options' values, and the flags; None if unsure.

    *options* gives the one name under which each spelling of an option is returned.
    """
    rest: list[str] = []
    values: dict[str, list[str]] = {}
    found: set[str] = set()
    following = iter(words)
    for word in following:
        if word in flags:
            found.add(word)
        elif word in options:
            value = next(following, "-")
            if value.startswith("-"):
                return None
            values.setdefault(options[word], []).append(value)
        elif word.startswith("-"):
            return None
        else:
            rest.append(word)
    return rest, values, found
