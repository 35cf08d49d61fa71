"""What Tab offers for ``-p`` and ``-P``: a template's variables and their values."""

import contextlib
from collections.abc import Iterator

import typer

from promptvault.cli.context import open_reader, take_vault
from promptvault.domain.variable import Variable, VariableType
from promptvault.errors import PromptVaultError
from promptvault.services.prompts import retrieval

_STDIN = "stdin"
"""The variable that a pipe fills."""


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
    reference = ctx.params.get("reference")
    if not reference and ctx.args:
        reference = take_vault(ctx.args[0])
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
