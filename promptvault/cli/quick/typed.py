"""The vault that was typed before the word that Tab completes.

`--vault` is read before Typer reads the arguments, so it is taken out of them here too.
"""

from collections.abc import MutableMapping

from promptvault.cli.context import choose_vault
from promptvault.cli.general_options import VAULT

_PIECES, _POSITION = "COMP_WORDS", "COMP_CWORD"
_LINE = "_TYPER_COMPLETE_ARGS"


def take_vault_option(environ: MutableMapping[str, str]) -> None:
    """Choose the vault of ``--vault NAME``, and take both out of the typed words."""
    if _PIECES in environ:
        pieces = environ[_PIECES].split("\n")
        end = int(environ.get(_POSITION, "0"))
        before = _taken(pieces[:end])
        environ[_PIECES] = "\n".join([*before, *pieces[end:]])
        environ[_POSITION] = str(len(before))
    elif _LINE in environ:
        line, space, last = environ[_LINE].rpartition(" ")
        environ[_LINE] = " ".join(_taken(line.split(" "))) + space + last


def _taken(words: list[str]) -> list[str]:
    """Return the words before the last one without the option; bash splits at '='."""
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option != VAULT:
            continue
        end = index + 1
        if not equals:
            end += words[end : end + 1] == ["="]
            value = "".join(words[end : end + 1])
            end += 1
        if value:
            choose_vault(value)
            return words[:index] + words[end:]
    return words
