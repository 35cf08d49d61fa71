"""`conflicts`: what sync could not merge, listed, shown and settled."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.editor import EditorFile, discard_when_saved
from promptvault.cli.render import conflict as render_conflict
from promptvault.cli.rows import sync as rows_sync
from promptvault.cli.values import read_file
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.sync import conflict as finding
from promptvault.services.sync import resolve as settling
from promptvault.services.sync.conflict import Conflict
from promptvault.services.sync.resolve import Settled

conflicts = typer.Typer(
    no_args_is_help=True, help="List, show and settle what sync could not merge."
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A prompt that is in conflict.",
        autocompletion=completion.in_conflict,
        show_default=False,
    ),
]


class Choice(StrEnum):
    """How a conflict is settled."""

    OURS = "ours"
    THEIRS = "theirs"
    EDIT = "edit"
    QUIT = "quit"


@conflicts.command("list")
def list_conflicts(as_json: options.Json = False) -> None:
    """List prompts that two devices changed so that it could not be merged."""
    with open_reader() as reader:
        found = list(finding.find_all(reader))
    if as_json:
        terminal.write_json_rows(map(rows_sync.conflict_row, found))
    else:
        render_conflict.conflicts(found)


@conflicts.command("show")
def show(name: Name, as_json: options.Json = False) -> None:
    """Show both sides of a conflict, and how they differ."""
    conflict = _find(name)
    if as_json:
        terminal.write_json(rows_sync.sides_row(conflict))
    else:
        render_conflict.sides(conflict)


@conflicts.command("resolve")
def resolve(
    name: Name,
    ours: Annotated[
        bool, typer.Option("--ours", help="Take what was made on this device.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Take what another device made.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Take the text in a file; '-' for stdin."),
    ] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Make one text of both in your editor.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Settle a conflict; on a terminal you are shown both sides, and asked.

    Both wordings stay in the history, whatever you choose.
    """
    if [ours, theirs, edit, file is not None].count(True) > 1:
        raise InvalidInputError("Give one of --ours, --theirs, --file and --edit.")
    conflict = _find(name)
    if file is not None:
        settled = _settle_with(conflict, _text(file))
    elif ours or theirs or edit:
        choice = Choice.OURS if ours else Choice.THEIRS if theirs else Choice.EDIT
        settled = _settle(conflict, choice)
    else:
        settled = _settle(conflict, _ask(conflict))
    if as_json:
        terminal.write_json(rows_sync.settled_row(settled))
    else:
        render_conflict.settled(settled)


def _find(name: str) -> Conflict:
    with open_reader() as reader:
        return finding.find(reader, name)


def _text(file: Path) -> str:
    return terminal.read_stdin() if str(file) == "-" else read_file(file)


def _settle(conflict: Conflict, choice: Choice) -> Settled:
    match choice:
        case Choice.OURS:
            return settling.settle(workspace(), conflict, conflict.ours)
        case Choice.THEIRS:
            return settling.settle(workspace(), conflict, conflict.theirs)
        case Choice.EDIT:
            return _edit(conflict)
        case Choice.QUIT:
            raise KeyboardInterrupt


def _settle_with(conflict: Conflict, text: str) -> Settled:
    finding.manuscript(conflict).require_settled(text)
    return settling.settle_with(workspace(), conflict, text)


def _edit(conflict: Conflict) -> Settled:
    settling.require_present(conflict)
    draft = EditorFile(finding.manuscript(conflict).text, conflict.prompt.name)
    text = draft.edit()
    with discard_when_saved(draft):
        return _settle_with(conflict, text)


def _ask(conflict: Conflict) -> Choice:
    settling.require_present(conflict)
    if not terminal.can_ask():
        raise InvalidInputError(
            "Say what to take: --ours, --theirs, --file PATH or --edit."
        )
    render_conflict.sides(conflict)
    while True:
        answer = terminal.ask("Take (o)urs, (t)heirs, (e)dit both, or (q)uit?")
        for choice in Choice:
            if answer and choice.startswith(answer):
                return choice
        if not answer:
            return Choice.QUIT
