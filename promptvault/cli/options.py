"""Arguments and options of several commands."""

from typing import Annotated, TypeVar

import typer

from promptvault.cli import completion, value_completion
from promptvault.cli.context import take_vault

Names = TypeVar("Names", str, list[str])


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
        autocompletion=value_completion.parameters,
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
        autocompletion=value_completion.literals,
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
