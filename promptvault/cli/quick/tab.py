"""Tab after a command that takes a prompt's name, or after --vault.

The questions and the answers are those of Typer's completion scripts for bash, zsh and
fish.
"""

import sys
from collections.abc import Mapping

from promptvault.cli import bash_completion, completion
from promptvault.cli.commands import COMMANDS
from promptvault.cli.general_options import VAULT

_QUOTES = frozenset("'\"\\")


def complete_name(environ: Mapping[str, str], program: str) -> int | None:
    """Print the names that complete what was typed, and return the exit code.

    None if Typer must answer: for options, values, subcommands, and what is quoted.
    """
    shell = environ.get(f"_{program.upper()}_COMPLETE", "").removeprefix("complete_")
    question = _read_question(shell, environ)
    if question is None:
        return None
    words, head = question
    names = _find_names(words)
    if names is None:
        return None
    if shell == "bash":
        lines = [bash_completion.format_word(name, head) for name in names]
        sys.stdout.write("\n".join(lines) + "\n")
    elif shell == "zsh":
        # A ':' begins the description of a match.
        escaped = (name.replace(":", r"\\:") for name in names)
        quoted = "\n".join(f'"{name}"' for name in escaped)
        answer = f"_arguments '*: :(({quoted}))'" if names else "_files"
        sys.stdout.write(f"{answer}\n")
    elif environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return 0 if names else 1
    else:
        sys.stdout.write("\n".join(names) + "\n")
    return 0


def _find_names(words: list[str]) -> list[str] | None:
    """Return what completes the last word; None if Typer must find it."""
    if words[-2:-1] == [VAULT]:
        return completion.vaults(words[-1])
    if len(words) != 3 or words[2].startswith("-") or "=" in words[2]:
        return None
    command = COMMANDS.get(words[1])
    if command is None or not command.takes_name:
        return None
    return [name for name in completion.names(words[2]) if name.startswith(words[2])]


def _read_question(
    shell: str, environ: Mapping[str, str]
) -> tuple[list[str], str] | None:
    """Return the words up to the cursor, and the part of the last one that stays."""
    line = environ.get("COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS")
    if line is None or not _QUOTES.isdisjoint(line):
        return None
    if shell == "bash":
        return bash_completion.read_words(environ)
    if shell in {"zsh", "fish"}:
        return line.split() + ([""] if line.endswith(" ") else []), ""
    return None
