"""`conflicts`: listing, showing and resolving what sync could not merge."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.editor import EditorFile, discard_when_saved
from promptvault.cli.everywhere import Vaults
from promptvault.cli.render import conflict as render_conflict
from promptvault.cli.rows import sync as rows_sync
from promptvault.cli.values import read_file
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.sync.conflict import (
    Conflict,
    find_conflict,
    find_conflicts,
    merge_document,
)
from promptvault.services.sync.resolve import (
    Resolution,
    require_not_trashed,
    resolve_with_side,
    resolve_with_text,
)

conflicts = typer.Typer(
    no_args_is_help=True, help="List, show and resolve what sync could not merge."
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A prompt that is in conflict.",
        autocompletion=completion.in_conflict,
        callback=options.in_one_vault,
        show_default=False,
    ),
]


class Choice(StrEnum):
    """How a conflict is resolved."""

    OURS = "ours"
    THEIRS = "theirs"
    EDIT = "edit"
    QUIT = "quit"


@conflicts.command("list")
def list_conflicts(
    all_vaults: options.AllVaults = False, as_json: options.Json = False
) -> None:
    """List prompts whose changes on two devices could not be merged."""
    vaults = Vaults(everywhere=all_vaults)
    by_vault = vaults.read(lambda reader: list(find_conflicts(reader)))
    found = [
        each._replace(prompt=vaults.named(vault, each.prompt))
        for vault, conflicts in by_vault.items()
        for each in conflicts
    ]
    if as_json:
        terminal.write_json_rows(map(rows_sync.conflict_row, found))
    else:
        render_conflict.conflicts(found)
    vaults.end()


@conflicts.command("show")
def show(name: Name, as_json: options.Json = False) -> None:
    """Show both sides of a conflict and their differences."""
    conflict = _find(name)
    if as_json:
        terminal.write_json(rows_sync.sides_row(conflict))
    else:
        render_conflict.sides(conflict)


@conflicts.command("resolve")
def resolve(
    name: Name,
    ours: Annotated[
        bool, typer.Option("--ours", help="Take the side of this device.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Take the side of another device.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Take the text of a file; '-' for stdin."),
    ] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Merge both texts in your editor.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Resolve a conflict; on a terminal both sides are shown, and you are asked.

    Both texts stay in the history, whatever you choose.
    """
    if [ours, theirs, edit, file is not None].count(True) > 1:
        raise InvalidInputError("Give one of --ours, --theirs, --file and --edit.")
    conflict = _find(name)
    if file is not None:
        resolution = _resolve_with_text(conflict, _text(file))
    elif ours or theirs or edit:
        choice = Choice.OURS if ours else Choice.THEIRS if theirs else Choice.EDIT
        resolution = _resolve(conflict, choice)
    else:
        resolution = _resolve(conflict, _ask(conflict))
    if as_json:
        terminal.write_json(rows_sync.resolution_row(resolution))
    else:
        render_conflict.resolution(resolution)


def _find(name: str) -> Conflict:
    with open_reader() as reader:
        return find_conflict(reader, name)


def _text(file: Path) -> str:
    return terminal.read_stdin() if str(file) == "-" else read_file(file)


def _resolve(conflict: Conflict, choice: Choice) -> Resolution:
    match choice:
        case Choice.OURS:
            return resolve_with_side(workspace(), conflict, conflict.ours)
        case Choice.THEIRS:
            return resolve_with_side(workspace(), conflict, conflict.theirs)
        case Choice.EDIT:
            return _edit(conflict)
        case Choice.QUIT:
            raise KeyboardInterrupt


def _resolve_with_text(conflict: Conflict, text: str) -> Resolution:
    merge_document(conflict).require_no_markers(text)
    return resolve_with_text(workspace(), conflict, text)


def _edit(conflict: Conflict) -> Resolution:
    require_not_trashed(conflict)
    draft = EditorFile(merge_document(conflict).text, conflict.prompt.name)
    text = draft.edit()
    with discard_when_saved(draft):
        return _resolve_with_text(conflict, text)


def _ask(conflict: Conflict) -> Choice:
    require_not_trashed(conflict)
    if not terminal.can_ask():
        raise InvalidInputError("Give one of --ours, --theirs, --file PATH and --edit.")
    render_conflict.sides(conflict)
    while True:
        answer = terminal.ask("Take (o)urs, (t)heirs, (e)dit both, or (q)uit?")
        for choice in Choice:
            if answer and choice.startswith(answer):
                return choice
        if not answer:
            return Choice.QUIT
