"""Suggestions: what to do, why, and the command that does it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from promptvault.domain.prompt import Prompt
from promptvault.services.templates.literals import Constant

_PROGRAM = "promptvault"


class SuggestionKind(StrEnum):
    """The subject of a suggestion; the most useful comes first."""

    IMPORT = "import"
    SECRET = "secret"
    LINT = "lint"
    ALIKE = "alike"
    DUPLICATE = "duplicate"
    CONSTANT = "constant"
    LABEL = "label"
    DESCRIBE = "describe"


class Suggestion(NamedTuple):
    """One thing to do."""

    kind: SuggestionKind
    reason: str
    command: tuple[str, ...]
    """The arguments, program name first, not quoted for a shell."""
    prompts: tuple[str, ...] = ()
    """Names of the prompts concerned."""
    constants: tuple[Constant, ...] = ()


class Advice(NamedTuple):
    """All suggestions for a vault."""

    prompts: int
    """Number of prompts in the vault."""
    compared: int
    """Number of prompts that were compared with each other."""
    suggestions: tuple[Suggestion, ...]


def make_suggestion(
    kind: SuggestionKind,
    reason: str,
    *command: str,
    prompts: Iterable[Prompt] = (),
    constants: Iterable[Constant] = (),
) -> Suggestion:
    """Return the suggestion to run PromptVault with the arguments *command*."""
    names = tuple(prompt.name for prompt in prompts)
    return Suggestion(kind, reason, (_PROGRAM, *command), names, tuple(constants))
