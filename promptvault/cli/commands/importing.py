"""`import`: importing prompts, once or whenever there are new ones."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from promptvault.cli import completion, options, progress, shared, terminal
from promptvault.cli.asking import Asking, asks_model
from promptvault.cli.context import now, open_reader
from promptvault.cli.render.imports import print_news, print_report
from promptvault.cli.rows.prompts import found_row
from promptvault.cli.workspace import settings, workspace
from promptvault.domain.hosted import Task
from promptvault.domain.share_link import is_url
from promptvault.errors import ImportSourceError, InvalidInputError, NotFoundError
from promptvault.importers.input.candidate import CandidateKind, Failure
from promptvault.importers.input.document import (
    Document,
    IsKnown,
    ScanResult,
    documents_at,
    documents_in,
)
from promptvault.importers.registry import AUTO, sources_of
from promptvault.services.imports.place import Place, PlaceSearch
from promptvault.services.imports.report import ImportOptions, ImportReport, Take
from promptvault.services.imports.run import run_import

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="A file, a zip, a folder, '-' for stdin, or the link of a share.",
        show_default=False,
    ),
]
Discover = Annotated[
    bool,
    typer.Option("--discover", help="Find what is already on this computer."),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Keep running, and import what is new by itself."),
]
Source = Annotated[
    str,
    typer.Option(
        metavar="SOURCE",
        autocompletion=completion.sources,
        help="The format; without it, detected from the content.",
    ),
]
Taken = Annotated[
    Take | None,
    typer.Option(
        help="From each conversation: its first prompt, all, or instructions only;"
        " without it, the setting import.take, or first.",
        show_default=False,
    ),
]
Kinds = Annotated[
    list[CandidateKind] | None,
    typer.Option(
        "--kind",
        help="Only this kind of text (repeatable); of prompts, those that --take says."
        " Without it, prompt and instructions, with --take all also command: a slash"
        " command with arguments.",
        show_default=False,
    ),
]
Folder = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        autocompletion=completion.folders,
        callback=options.in_one_vault,
        help="Put prompts here; without it, in a folder named after the source.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Only prompts from DATE or later."),
]
MinChars = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="Only prompts of N characters or more."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Read files even if they have not changed.")
]
Categorize = Annotated[
    bool,
    typer.Option(
        "--categorize", help="Then propose folders, tags, titles for new prompts."
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Categorize by rules, without a model.")
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Accept what --discover and --categorize find, unasked."
    ),
]


@dataclass(frozen=True, slots=True)
class _Command:
    """The options of `import` that are not the import's own."""

    options: ImportOptions
    categorize: bool
    offline: bool
    yes: bool
    as_json: bool
    asking: Asking
    watch: bool


@asks_model
def import_(
    paths: Paths = None,
    discover: Discover = False,
    watch: Watch = False,
    source: Source = AUTO,
    take: Taken = None,
    kinds: Kinds = None,
    folder: Folder = None,
    tags: options.Tags = None,
    since: Since = None,
    min_chars: MinChars = 0,
    dry_run: DryRun = False,
    again: Again = False,
    categorize: Categorize = False,
    offline: Offline = False,
    yes: Yes = False,
    password_file: options.PasswordFile = None,
    *,
    asking: Asking,
    as_json: options.Json = False,
) -> None:
    """Import prompts: chat exports, coding agents' sessions, files, prompt tools."""
    paths = paths or []
    if discover == bool(paths):
        raise InvalidInputError("Give either a PATH to import, or --discover.")
    if watch:
        _require_watchable(paths, dry_run=dry_run)
    wanted = ImportOptions(
        source=source,
        take=take or Take(settings()["import.take"].value),
        only=frozenset(kinds or ()),
        folder=folder,
        tags=tuple(tags or ()),
        since=_date(since) if since else None,
        min_chars=min_chars,
        dry_run=dry_run,
        again=again,
    )
    command = _Command(
        wanted, categorize and not dry_run, offline, yes, as_json, asking, watch
    )
    if discover:
        _import_discovered(command)
    elif watch:
        places = [Place(Path(path).absolute()) for path in paths]
        _watch(PlaceSearch(lambda: places), paths, command)
    else:
        _import(paths, command, _fetched(paths, password_file))


def _require_watchable(paths: list[str], *, dry_run: bool) -> None:
    if dry_run:
        raise InvalidInputError("--dry-run changes nothing, so leave out --watch.")
    for path in paths:
        if path == "-" or is_url(path):
            raise InvalidInputError("--watch needs files or folders.")
        if not Path(path).exists():
            raise NotFoundError(f"There is no file or folder {path}.")


def _fetched(paths: list[str], password_file: str | None) -> dict[str, Document]:
    """Return the shared prompts among *paths*, before the vault is locked."""
    links = [path for path in paths if is_url(path)]
    if not links:
        return {}
    # As in shared.fetch.
    from promptvault.services.shares.received import document_of

    return {link: document_of(shared.fetch(link, password_file)) for link in links}


def _import(
    paths: list[str], command: _Command, fetched: Mapping[str, Document]
) -> None:
    with progress.show_progress() as bar:

        def find_documents(known: IsKnown) -> Iterator[ScanResult]:
            return bar.follow(_documents(paths, known, fetched))

        report = run_import(
            workspace(), _absolute(paths), find_documents, command.options, bar.update
        )
    if not command.as_json:
        print_report(report, dry_run=command.options.dry_run)
    _finish(report, command)


def _finish(report: ImportReport, command: _Command) -> None:
    """Categorize what was imported, if wanted, and print the report as JSON."""
    row = report.as_row()
    if command.categorize:
        row["categorized"] = _categorized(report, command)
    if command.as_json and command.watch:
        terminal.write_json_rows([row], lines=True)
        terminal.flush()
    elif command.as_json:
        terminal.write_json(row)


def _categorized(report: ImportReport, command: _Command) -> dict[str, Any] | None:
    # These take 30 ms to import, which other imports need not pay.
    from promptvault.cli.answer_display import AnswerDisplay
    from promptvault.cli.category import can_ask, categorize_import
    from promptvault.cli.model import open_model
    from promptvault.services.categories.categorize import CategorizeOptions

    asking = command.asking

    def means() -> CategorizeOptions:
        model = None
        if not command.offline:
            display = AnswerDisplay(shows_tokens=False)  # a bar is drawn
            model = open_model("categorize", asking, Task.CATEGORIZE, display)
        return CategorizeOptions(model, asking.allow_secrets)

    asks = not command.yes and not command.as_json and can_ask()
    return categorize_import(workspace(), report.id, means, asks=asks)


def _import_discovered(command: _Command) -> None:
    """Import what the user chooses of what is on this computer, or list it."""
    from promptvault.cli import discovery  # 20 ms, which other imports need not pay

    sources = sources_of(command.options.source)
    with open_reader() as reader:
        found = discovery.find_sources(reader, sources)
    if command.yes and not found and not command.watch:
        raise ImportSourceError(discovery.NOTHING)
    if command.as_json and not command.yes:
        terminal.write_json_rows(map(found_row, found))
        return
    if not command.yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        discovery.show(found)
        terminal.note("Add --yes to import all of it, and --source for one source.")
        return
    chosen = found if command.yes else discovery.choose(found)
    paths = [str(target) for each in chosen for target in each.targets]
    if command.watch and command.yes:
        _watch(discovery.everywhere(sources), paths, command)
    elif command.watch and chosen:
        places = [each.place for each in chosen]
        _watch(PlaceSearch(lambda: places), paths, command)
    elif chosen:
        _import(paths, command, {})
    else:
        discovery.show(chosen)


def _watch(search: PlaceSearch, paths: list[str], command: _Command) -> None:
    """Import *paths*, and then what is new at the places that *search* finds."""
    # Watching takes 200 ms to import, which other imports need not pay.
    from promptvault.cli.import_watch import watch

    def import_first() -> None:
        if paths:
            _import(paths, command, {})

    def take(report: ImportReport) -> None:
        if not command.as_json:
            print_news(report, now())
        _finish(report, command)

    watch(search, command.options, import_first, take)


def _absolute(paths: list[str]) -> list[str]:
    return [
        path if path == "-" or is_url(path) else str(Path(path).absolute())
        for path in paths
    ]


def _documents(
    paths: list[str], known: IsKnown, fetched: Mapping[str, Document]
) -> Iterator[ScanResult]:
    for path in paths:
        try:
            if path in fetched:
                yield fetched[path]
            elif path == "-":
                yield from documents_in(sys.stdin.buffer)
            else:
                yield from documents_at(Path(path), known)
        except ImportSourceError as error:
            yield Failure(path, str(error))


def _date(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is not a date such as 2026-05-01.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
