"""`show`, `list`, `search`: finding prompts."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.pager import paged
from promptvault.cli.quick.hits import LIMIT, print_hits
from promptvault.cli.quick.names import print_names
from promptvault.cli.render.prompts import draw_hits, print_details, print_prompts
from promptvault.cli.render.similarity import print_group_names, print_groups
from promptvault.cli.rows.prompts import details_row, group_row, hit_row, prompt_row
from promptvault.domain.prompt import validate_tag
from promptvault.errors import InvalidInputError
from promptvault.services.prompts import retrieval
from promptvault.services.similar.groups import (
    LEAST_THRESHOLD,
    THRESHOLD,
    Group,
    find_groups,
)
from promptvault.vault import search as finder
from promptvault.vault.reader import Selection, Sort


def show(reference: options.Reference, as_json: options.Json = False) -> None:
    """Show a prompt's text and everything known of it."""
    with open_reader() as reader:
        details = retrieval.describe(reader, reference)
    if as_json:
        terminal.write_json(details_row(details))
    else:
        with paged():
            print_details(details)


def list_(
    folder: Annotated[
        str | None,
        typer.Argument(
            autocompletion=completion.folders,
            help="Only in this folder; with --similar, a prompt's NAME too.",
        ),
    ] = None,
    tags: options.Tags = None,
    favourite: Annotated[
        bool, typer.Option("--favourite", help="Only favourites.")
    ] = False,
    source: options.Source = None,
    sort: Annotated[Sort, typer.Option(help="By name, or latest first.")] = Sort.NAME,
    limit: options.Limit = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print names only, one a line.")
    ] = False,
    similar: Annotated[
        bool,
        typer.Option(
            "--similar", help="In groups of nearly the same text, or like NAME."
        ),
    ] = False,
    threshold: Annotated[
        int | None,
        typer.Option(
            min=LEAST_THRESHOLD,
            max=100,
            metavar="PERCENT",
            help=f"How like --similar texts are at least. [default: {THRESHOLD}]",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List prompts: all, or those in a folder, with a tag, from a source."""
    wanted = tuple(map(validate_tag, tags or ()))
    selection = Selection(folder, wanted, source, favourite)
    if threshold and not similar:
        raise InvalidInputError("--threshold needs --similar.")
    as_rows = as_json or as_lines
    if plain and sort is Sort.NAME and not (similar or as_rows):
        return print_names(selection, limit)
    with open_reader() as reader:
        if similar:
            found = find_groups(reader, selection, threshold or THRESHOLD)
            return _groups(islice(found, limit), plain, as_json, as_lines)
        prompts = reader.prompts(selection, sort, limit)
        if as_rows:
            lines = map(prompt_row, prompts)
            return terminal.write_json_rows(lines, lines=as_lines)
        if plain:
            return terminal.write("".join(f"{p.name}\n" for p in prompts))
        return print_prompts(prompts, folder)


def _groups(found: Iterator[Group], plain: bool, as_json: bool, as_lines: bool) -> None:
    if as_json or as_lines:
        terminal.write_json_rows(map(group_row, found), lines=as_lines)
    elif plain:
        print_group_names(found)
    else:
        print_groups(found)


def search(
    query: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help='Words, "phrases", prefix*, -without.'),
    ],
    folder: options.Folder = None,
    tags: options.Tags = None,
    source: options.Source = None,
    limit: Annotated[int, typer.Option(min=1, help="At most N hits.")] = LIMIT,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """Search names, titles, descriptions, tags and texts; the best hits come first."""
    refuse_options(query)
    selection = Selection(folder, tuple(map(validate_tag, tags or ())), source)
    with open_reader() as reader:
        hits = finder.search(reader, " ".join(query), selection, limit)
        if as_json or as_lines:
            terminal.write_json_rows(map(hit_row, hits), lines=as_lines)
        elif terminal.stdout_is_terminal():
            draw_hits(list(hits))
        else:
            print_hits(hits)


def refuse_options(query: list[str]) -> None:
    """Refuse a mistyped option, as ``-without`` lets Typer take any for a word."""
    for word in query:
        if word.startswith("--"):
            raise InvalidInputError(f"There is no option {word}. Try 'search --help'.")
