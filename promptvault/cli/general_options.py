"""The options that every command takes, anywhere among its arguments."""

import os

from promptvault.cli import terminal
from promptvault.cli.context import choose_vault
from promptvault.errors import InvalidInputError

COLOR, NO_COLOR, NO_PAGER = "--color", "--no-color", "--no-pager"
VAULT = "--vault"
COLOR_CHOICES = ("auto", "always", "never")


def apply_general_options(arguments: list[str]) -> list[str]:
    """Apply the general options, and return the other arguments.

    Raises InvalidInputError.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest, when, vault = [], "auto", None
    words = iter(arguments[:end])
    for word in words:
        option, _, value = word.partition("=")
        if word == NO_COLOR:
            when = "never"
        elif option == COLOR:
            when = value or next(words, "")
        elif option == VAULT:
            vault = value or next(words, "")
            if not vault:
                raise InvalidInputError("--vault needs the name of a vault.")
        elif word == NO_PAGER:
            os.environ["PROMPTVAULT_PAGER"] = "cat"
        else:
            rest.append(word)
    if when not in COLOR_CHOICES:
        raise InvalidInputError("--color must be auto, always or never.")
    terminal.choose_colour(when)
    choose_vault(vault)
    return rest + arguments[end:]
