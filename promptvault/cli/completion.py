"""What Tab offers: names, versions, tags, folders."""

import contextlib
from collections.abc import Iterator

import typer

from promptvault.cli.context import open_reader
from promptvault.domain.variable import Variable, VariableType
from promptvault.errors import PromptVaultError
from promptvault.services.prompts import retrieval
from promptvault.vault.reader import Selection

_STDIN = "stdin"
"""The variable that a pipe fills."""


def names(incomplete: str) -> list[str]:
    """Offer names, and after an '@' the labels and versions of that prompt."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        name, at, _ = incomplete.partition("@")
        if not at:
            return reader.complete_names(incomplete)
        prompt = reader.get(name)
        numbers = map(str, range(prompt.versions, 0, -1))
        return [f"{name}@{revision}" for revision in (*prompt.labels, *numbers)]
    return []


def parameters(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the variables that are still to be filled, with their choices, for -p."""
    offered = []
    for key, value, description in _values(ctx, incomplete):
        text = f"\\{value}" if value.startswith("@") else value
        offered.append((f"{key}={text}", description))
        if not value and "=" not in incomplete:  # so that no shell adds a space
            offered.append((f"{key}=@", "from a file"))
    return offered


def literals(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the same for -P, which takes values as they are."""
    found = _values(ctx, incomplete)
    return [(f"{key}={value}", description) for key, value, description in found]


def _values(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str, str]]:
    """Yield key, value and description of what may fill the command's template."""
    # The option that still lacks its value ends the parser's work: then the arguments
    # before it are left in `args`.
    reference = ctx.params.get("reference") or next(iter(ctx.args), None)
    given = (*(ctx.params.get("values") or ()), *(ctx.params.get("literals") or ()))
    filled = {_STDIN, *(pair.partition("=")[0] for pair in given)}
    if not reference:
        return
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        variables = retrieval.describe(reader, reference).variables
        for variable in variables:
            if variable.name not in filled:
                for value in _offers(variable):
                    if value or "=" not in incomplete:
                        yield variable.name, value, variable.description


def _offers(variable: Variable) -> Iterator[str]:
    """Yield the values that a variable may have, else '' and its default."""
    if variable.choices:
        yield from map(str, variable.choices)
    elif variable.type is VariableType.BOOLEAN:
        yield from ("true", "false")
    else:
        yield ""
        if variable.default is not None:
            yield str(variable.default)


def in_conflict(incomplete: str) -> list[str]:
    """Offer the names of prompts that are in conflict."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        names = reader.names_in_conflict()
        return [name for name in names if name.startswith(incomplete)]
    return []


def tags(incomplete: str) -> list[str]:
    """Offer the tags in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [tag for tag in reader.tags() if tag.startswith(incomplete)]
    return []


def folders(incomplete: str) -> list[str]:
    """Offer the folders in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [f for f in reader.folders() if f.startswith(incomplete)]
    return []


def labels(incomplete: str) -> list[str]:
    """Offer the labels in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [label for label in reader.labels() if label.startswith(incomplete)]
    return []


def trashed(incomplete: str) -> list[str]:
    """Offer the names in the trash."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        names = reader.names(Selection(trashed=True))
        return [name for name in names if name.startswith(incomplete)]
    return []


def sources(incomplete: str) -> list[str]:
    """Offer the sources that an import can be told."""
    from promptvault.importers import registry  # for this option alone

    return [each for each in registry.sources() if each.startswith(incomplete)]
