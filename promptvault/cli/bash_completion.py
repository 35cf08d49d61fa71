"""Tab in bash, which splits words at '=', '@' and ':' and replaces the last piece.

Typer takes each piece for a word of its own: `-p tone=fr` is `-p tone`, `=`, `fr`.
"""

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from itertools import pairwise

_INSTRUCTION = "complete_bash"
_BREAKS = frozenset("=@:")
"""Those of COMP_WORDBREAKS that are also part of an argument."""


def prepare(environ: MutableMapping[str, str]) -> None:
    """Join words again if bash asks for a completion."""
    if "COMP_WORDS" not in environ:
        return
    for name, value in environ.items():
        if name.endswith("_COMPLETE") and value == _INSTRUCTION:
            environ[name] = f"complete_{_register()}"
            return


def _register() -> str:
    """Add our class to those that Typer knows, and return its name there."""
    # Typer exports neither of them, and both are needed for a Tab in bash alone.
    from typer._click.shell_completion import (
        CompletionItem,
        add_completion_class,
    )
    from typer._completion_classes import BashComplete

    class JoinedBash(BashComplete):
        """Bash, with joined words, and answers cut to what it replaces."""

        name = "bash_joined"
        _head = ""
        """The part of the last word that stays."""

        def get_completion_args(self) -> tuple[list[str], str]:
            words, self._head = read_words(os.environ)
            os.environ["COMP_WORDS"] = "\n".join(words)
            os.environ["COMP_CWORD"] = str(len(words) - 1)
            return super().get_completion_args()

        def format_completion(self, item: CompletionItem) -> str:
            return format_word(super().format_completion(item), self._head)

    add_completion_class(JoinedBash, JoinedBash.name)
    return JoinedBash.name


def read_words(environ: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the words up to the cursor, and the head of the last one.

    The head is the part before the piece that bash replaces.
    """
    pieces = environ["COMP_WORDS"].split("\n")
    pieces = pieces[: int(environ["COMP_CWORD"]) + 1]
    words = list(_joined(pieces))
    last = pieces[-1]
    tail = "" if _is_break(last) else last
    option, equals, value = words[-1].partition("=")
    if equals and option.startswith("--"):
        words[-1:] = [option, value]
    head = words[-1].removesuffix(tail) if tail else words[-1]
    # Readline counts an '@' to what follows it (rl_special_prefixes).
    return words, head.removesuffix("@")


def format_word(value: str, head: str) -> str:
    """Return the text with which bash replaces the last piece, escaped as it is typed.

    Typer's script splits the answers at line ends.
    """
    return re.sub(r"[^\w/.,+~@=:%-]", r"\\\g<0>", value.removeprefix(head))


def _is_break(piece: str) -> bool:
    return bool(piece) and _BREAKS.issuperset(piece)


def _joined(pieces: list[str]) -> Iterator[str]:
    """Yield the words that bash split, including an empty last one."""
    word = pieces[0]
    for before, piece in pairwise(pieces):
        if _is_break(piece) or (_is_break(before) and piece):
            word += piece
        else:
            yield word
            word = piece
    yield word
