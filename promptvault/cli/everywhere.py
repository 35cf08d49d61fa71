"""Commands in all vaults of this device, for ``--all-vaults``."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import typer

from promptvault.cli import terminal
from promptvault.cli.context import (
    current_vault,
    names_of_team_vaults,
    open_reader,
    refuse_one_vault,
)
from promptvault.domain.prompt import Prompt
from promptvault.errors import PromptVaultError
from promptvault.home import PERSONAL, full_name
from promptvault.vault.reader import Reader, Sort
from promptvault.vault.search import Hit

T = TypeVar("T")

_NEVER = datetime.min.replace(tzinfo=UTC)
_BY_GRAVITY = (7, 6, 4, 9, 5)
"""Exit codes; the first of them is that of a command that failed in several vaults."""


class Vaults:
    """The vaults that a command works on: all of this device, or the chosen one."""

    def __init__(self, *, everywhere: bool = True) -> None:
        """Raise InvalidInputError if *everywhere* contradicts the other arguments."""
        if everywhere:
            refuse_one_vault()
        self._everywhere = everywhere
        self.errors: dict[str, PromptVaultError] = {}
        """By name of a vault, why the command failed in it."""

    def each(self, run: Callable[[str], T]) -> dict[str, T]:
        """Return the results of *run* by the names of the vaults, the personal first.

        If it fails in some of all vaults, the others go on. If it fails in all of them,
        or in the chosen one, the error is raised.
        """
        if not self._everywhere:
            return {current_vault(): run(current_vault())}
        found: dict[str, T] = {}
        for name in (PERSONAL, *names_of_team_vaults()):
            try:
                found[name] = run(name)
            except PromptVaultError as error:
                self.errors[name] = error
        if not found:
            raise self.errors[PERSONAL]
        return found

    def read(self, run: Callable[[Reader], T]) -> dict[str, T]:
        """Do the same with a function that reads a vault."""

        def read_one(name: str) -> T:
            with open_reader(name) as reader:
                return run(reader)

        return self.each(read_one)

    @contextlib.contextmanager
    def readers(self) -> Iterator[dict[str, Reader]]:
        """Keep the vaults open for reading."""
        with contextlib.ExitStack() as stack:
            yield self.each(lambda name: stack.enter_context(open_reader(name)))

    def named(self, vault: str, prompt: Prompt) -> Prompt:
        """Return a prompt with its vault in its name, as it is shown among others."""
        return _in_vault(vault, prompt) if self._everywhere else prompt

    def print_errors(self) -> None:
        """Print a line for each vault in which the command failed."""
        for name, error in self.errors.items():
            terminal.note(f"{name}: {error}")

    def end(self, code: int = 0) -> None:
        """Print the errors, and exit with the gravest of their codes and *code*."""
        self.print_errors()
        end({code, *(error.exit_code for error in self.errors.values())})


def end(codes: Collection[int]) -> None:
    """Exit with the gravest of the exit codes of several vaults, unless all are 0."""
    for code in (*_BY_GRAVITY, *sorted(codes, reverse=True)):
        if code and code in codes:
            raise typer.Exit(code)


def all_prompts(
    found: Mapping[str, Iterable[Prompt]], sort: Sort, limit: int | None = None
) -> list[Prompt]:
    """Return the prompts of all vaults in order, each with its vault in its name."""
    merged = [_in_vault(name, each) for name in found for each in found[name]]
    if sort is Sort.UPDATED:
        merged.sort(key=lambda prompt: prompt.updated_at, reverse=True)
    elif sort is Sort.USED:
        merged.sort(key=lambda prompt: prompt.used_at or _NEVER, reverse=True)
    return merged[:limit]


def best_hits(found: Mapping[str, Sequence[Hit]], limit: int) -> list[Hit]:
    """Return the best hits of all vaults, each with its vault in its name."""
    merged = [
        hit._replace(prompt=_in_vault(name, hit.prompt))
        for name, hits in found.items()
        for hit in hits
    ]
    return sorted(merged, key=lambda hit: hit.score, reverse=True)[:limit]


def _in_vault(vault: str, prompt: Prompt) -> Prompt:
    return prompt._replace(name=full_name(vault, prompt.name))
