"""What a suggestion is: what to do, why, and the command that does it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from promptvault.domain.prompt import Prompt
from promptvault.services.templates.literals import Constant

_PROGRAM = "promptvault"


class SuggestionKind(StrEnum):
    """What a suggestion is about; what is worth most comes first."""

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
    """Its words, the program's name first, not quoted for any shell."""
    prompts: tuple[str, ...] = ()
    """Names of the prompts that it is about."""
    constants: tuple[Constant, ...] = ()


class Advice(NamedTuple):
    """What could be done in a vault."""

    prompts: int
    """How many the vault holds."""
    compared: int
    """How many of them were compared with each other."""
    suggestions: tuple[Suggestion, ...]


def make_suggestion(
    kind: SuggestionKind,
    reason: str,
    *command: str,
    prompts: Iterable[Prompt] = (),
    constants: Iterable[Constant] = (),
) -> Suggestion:
    """Return the suggestion to run PromptVault with the words of *command*."""
    names = tuple(prompt.name for prompt in prompts)
    return Suggestion(kind, reason, (_PROGRAM, *command), names, tuple(constants))
