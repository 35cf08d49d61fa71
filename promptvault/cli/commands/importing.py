"""`import` and `imports`: bringing prompts in, and taking them back."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from promptvault.cli import completion, options, progress, terminal
from promptvault.cli.asking import Asking, asks_model
from promptvault.cli.context import open_reader
from promptvault.cli.render import imports as render_import
from promptvault.cli.rows.prompts import found_row, import_row
from promptvault.cli.workspace import settings, workspace
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import Found, Known, documents, piped
from promptvault.importers.registry import AUTO
from promptvault.services.imports import log
from promptvault.services.imports.report import Options, Report, Take
from promptvault.services.imports.run import run

imports = typer.Typer(no_args_is_help=True, help="List, show, undo imports.")

ImportId = Annotated[
    str, typer.Argument(metavar="ID", help="Its number, or 'last'.", show_default=False)
]


@asks_model
def import_(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="A file, a zip, a folder, or '-' for stdin.",
            show_default=False,
        ),
    ] = None,
    discover: Annotated[
        bool,
        typer.Option("--discover", help="Look for what this computer already holds."),
    ] = False,
    source: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            autocompletion=completion.sources,
            help="What it is; without it, told by the content.",
        ),
    ] = AUTO,
    take: Annotated[
        Take | None,
        typer.Option(
            help="Of each conversation: its first prompt, all, or instructions only."
            " [default: first]",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            autocompletion=completion.folders,
            help="Put them here; without it, in a folder named after the source.",
        ),
    ] = None,
    tags: options.Tags = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only those from DATE on.")
    ] = None,
    min_chars: Annotated[
        int, typer.Option(min=0, metavar="N", help="Only those of N characters on.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Read files also where they have not changed."),
    ] = False,
    categorize: Annotated[
        bool,
        typer.Option(
            "--categorize", help="Then propose folders, tags, titles for what is new."
        ),
    ] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Categorize by rules, without asking a model."),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Do without asking what --discover, --categorize find."
        ),
    ] = False,
    *,
    asking: Asking,
    as_json: options.Json = False,
) -> None:
    """Bring in prompts: chat exports, coding agents' sessions, files, prompt tools."""
    if discover == bool(paths):
        raise InvalidInputError("Give a PATH to import, or --discover.")
    chosen = Options(
        source=source,
        take=take or Take(settings()["import.take"].value),
        folder=folder,
        tags=tuple(tags or ()),
        since=_date(since) if since else None,
        min_chars=min_chars,
        dry_run=dry_run,
        again=again,
    )
    after = _Afterwards(
        categorize=categorize and not dry_run,
        offline=offline,
        asking=asking,
        confirms=not yes and not as_json,
    )
    if discover:
        paths = _discovered(yes=yes, as_json=as_json)
    if paths:
        _run(paths, chosen, after, as_json=as_json)


class _Afterwards(NamedTuple):
    """What is to be done with the prompts that an import brings."""

    categorize: bool
    offline: bool
    asking: Asking
    confirms: bool
    """Whether proposals are asked about, where there is somebody to ask."""


def _run(
    paths: list[str], chosen: Options, after: _Afterwards, *, as_json: bool
) -> None:
    with progress.shown() as bar:

        def look(known: Known) -> Iterator[Found]:
            return bar.following(_documents(paths, known))

        report = run(workspace(), _named(paths), look, chosen, bar.tell)
    if not as_json:
        render_import.report(report, dry_run=chosen.dry_run)
    more = {"categorized": _categorized(report, after)} if after.categorize else {}
    if as_json:
        terminal.write_json(report.as_row() | more)


def _categorized(report: Report, after: _Afterwards) -> dict[str, Any] | None:
    # What this needs takes 30 ms to import, which other imports need not pay.
    from promptvault.cli.category import can_ask, categorize_import
    from promptvault.cli.model import open_model
    from promptvault.services.categories.categorize import CategorizeOptions

    def means() -> CategorizeOptions:
        model = None if after.offline else open_model("categorize", after.asking)
        return CategorizeOptions(model, after.asking.allow_secrets)

    asks = after.confirms and can_ask()
    return categorize_import(workspace(), report.id, means, asks=asks)


def _discovered(*, yes: bool, as_json: bool) -> list[str]:
    """Return what to import of what there is; none where it was only to be listed."""
    from promptvault.cli import discovery  # 20 ms, which other imports need not pay

    with open_reader() as reader:
        found = discovery.found(reader)
    if yes and not found:
        raise ImportSourceError(discovery.NOTHING)
    if as_json and not yes:
        terminal.write_json_rows(map(found_row, found))
        return []
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        discovery.show(found)
        terminal.note("Add --yes to import all of it, or name what you want.")
        return []
    chosen = found if yes else discovery.choose(found)
    if not chosen:
        discovery.show(chosen)
    return [str(target) for each in chosen for target in each.targets]


def _named(paths: list[str]) -> list[str]:
    return [path if path == "-" else str(Path(path).absolute()) for path in paths]


def _documents(paths: list[str], known: Known) -> Iterator[Found]:
    for path in paths:
        try:
            if path == "-":
                yield from piped(sys.stdin.buffer)
            else:
                yield from documents(Path(path), known)
        except ImportSourceError as error:
            yield Failure(path, str(error))


def _date(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is no date, as 2026-05-01.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@imports.command("list")
def list_imports(as_json: options.Json = False) -> None:
    """List imports, newest first."""
    with open_reader() as reader:
        found = log.entries(reader)
        if as_json:
            terminal.write_json_rows(map(import_row, found))
        else:
            render_import.imports(found)


@imports.command("show")
def show(key: ImportId, as_json: options.Json = False) -> None:
    """Show an import: its counts and reasons, and the prompts it brought."""
    with open_reader() as reader:
        found = log.entry(reader, key)
        names = log.brought(reader, found)
        files = log.files(reader, found)
    if as_json:
        more = {"prompts": names, "files_read": files}
        terminal.write_json(import_row(found) | more)
    else:
        render_import.entry(found, names)


@imports.command("undo")
def undo(key: ImportId, as_json: options.Json = False) -> None:
    """Take back what an import brought; what was changed since stays."""
    found, result = log.undo(workspace(), key)
    if as_json:
        terminal.write_json({"id": found.id, **result._asdict()})
    else:
        render_import.withdrawn(found, result)
