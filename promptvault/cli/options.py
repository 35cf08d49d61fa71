"""Arguments and options of several commands, and what Tab offers for -p and -P."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, TypeVar

import typer

from promptvault.cli import completion
from promptvault.cli.context import open_reader, take_vault
from promptvault.domain.variable import Variable, VariableType
from promptvault.errors import PromptVaultError
from promptvault.services.prompts import retrieval

Names = TypeVar("Names", str, list[str])

_STDIN = "stdin"
"""The variable that a pipe fills."""


def in_one_vault(given: Names | None) -> Names | None:
    """Return names without their vault, which the command works on.

    A callback for arguments and options that take names or folders. Raises
    InvalidInputError if the command's names are in several vaults.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return take_vault(given)
    return [take_vault(each) for each in given]


def _offer_parameters(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the variables that are still to be filled, with their choices, for -p."""
    offered = []
    for key, value, description in _values(ctx, incomplete):
        text = f"\\{value}" if value.startswith("@") else value
        offered.append((f"{key}={text}", description))
        if not value and "=" not in incomplete:  # so that no shell adds a space
            offered.append((f"{key}=@", "from a file"))
    return offered


def _offer_literals(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
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


Reference = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@REV]",
        help="A prompt; @REV chooses a version: @3, @-1, @production, @2026-05-01.",
        autocompletion=completion.names,
        callback=in_one_vault,
        show_default=False,
    ),
]
OptionalReference = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME[@REV]]",
        help="Only for this prompt, or this version of it.",
        autocompletion=completion.names,
        callback=in_one_vault,
        show_default=False,
    ),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A prompt, as 'coding/review'.",
        autocompletion=completion.names,
        callback=in_one_vault,
        show_default=False,
    ),
]
NewName = Annotated[
    str,
    typer.Argument(
        metavar="NEW",
        help="The new name, as 'coding/review'; with a trailing '/', a folder;"
        " 'acme:review' is one in another vault.",
        autocompletion=completion.folders,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Print a JSON row a line.")]
Message = Annotated[
    str | None,
    typer.Option("-m", "--message", metavar="MSG", help="A message for the history."),
]
Title = Annotated[str | None, typer.Option(help="A title, in your own spelling.")]
Description = Annotated[str | None, typer.Option(help="What it is for, in one line.")]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", autocompletion=completion.tags, help="A tag."),
]
Template = Annotated[
    bool | None,
    typer.Option(
        "--template/--no-template",
        help="Whether to fill in {{ variables }} in the text.",
        show_default=False,
    ),
]
Folder = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        autocompletion=completion.folders,
        callback=in_one_vault,
        help="Only in FOLDER.",
    ),
]
Source = Annotated[
    str | None,
    typer.Option(metavar="SOURCE", help="Only from SOURCE: chatgpt, claude, local."),
]
Limit = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="At most N.", show_default=False)
]
System = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[@REV]",
        autocompletion=completion.names,
        callback=in_one_vault,
        help="Another prompt, for the system message.",
    ),
]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        autocompletion=_offer_parameters,
        help="Fill a variable; KEY=@FILE reads a file, KEY=\\@TEXT begins with '@'."
        " Scripts use -P.",
    ),
]
Literals = Annotated[
    list[str] | None,
    typer.Option(
        "-P",
        "--literal-param",
        metavar="KEY=VALUE",
        autocompletion=_offer_literals,
        help="Fill a variable with exactly VALUE, even if it begins with '@'; for"
        " scripts.",
    ),
]
PasswordFile = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Read the password of a share from a file; '-' is stdin.",
        show_default=False,
    ),
]
AllVaults = Annotated[
    bool,
    typer.Option(
        "--all-vaults", help="In all vaults; names in those of teams have a prefix."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
