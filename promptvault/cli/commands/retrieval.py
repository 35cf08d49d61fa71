"""`show`, `list`, `search`: finding prompts."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

import typer

from promptvault.cli import completion, options, shared, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.everywhere import Vaults, all_prompts, best_hits
from promptvault.cli.pager import paged
from promptvault.cli.quick.hits import LIMIT, print_hits
from promptvault.cli.quick.names import print_names
from promptvault.cli.render.prompts import draw_hits, print_details, print_prompts
from promptvault.cli.render.similarity import print_group_names, print_groups
from promptvault.cli.rows.prompts import details_row, group_row, hit_row, prompt_row
from promptvault.domain.prompt import Prompt, validate_tag
from promptvault.domain.share_link import is_url
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
from promptvault.vault.search import Hit


def show(
    reference: options.Reference,
    password_file: options.PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Show a prompt's text and everything known of it.

    In place of NAME, the link of a shared prompt may be given.
    """
    if is_url(reference):
        found = shared.fetch(reference, password_file)
        with paged():
            return shared.print_details(found, as_json=as_json)
    with open_reader() as reader:
        details = retrieval.describe(reader, reference)
    if as_json:
        return terminal.write_json(details_row(details))
    with paged():
        return print_details(details)


Threshold = Annotated[
    int | None,
    typer.Option(
        min=LEAST_THRESHOLD,
        max=100,
        metavar="PERCENT",
        help=f"How like --similar texts are at least. [default: {THRESHOLD}]",
        show_default=False,
    ),
]


def list_(
    folder: Annotated[
        str | None,
        typer.Argument(
            autocompletion=completion.folders,
            callback=options.in_one_vault,
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
    threshold: Threshold = None,
    all_vaults: options.AllVaults = False,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List prompts: all, or those in a folder, with a tag, from a source."""
    selection = Selection(
        folder, tuple(map(validate_tag, tags or ())), source, favourite
    )
    if threshold and not similar:
        raise InvalidInputError("--threshold needs --similar.")
    if all_vaults and similar:
        raise InvalidInputError("--similar compares the prompts of one vault.")
    as_rows = as_json or as_lines
    if plain and sort is Sort.NAME and not (similar or all_vaults or as_rows):
        return print_names(selection, limit)
    if all_vaults:
        vaults = Vaults()
        found = vaults.read(lambda r: [*r.prompts(selection, sort, limit)])
        everywhere = all_prompts(found, sort, limit)
        _print_list(everywhere, folder, plain, as_json, as_lines)
        return vaults.end()
    with open_reader() as reader:
        if similar:
            groups = find_groups(reader, selection, threshold or THRESHOLD)
            return _groups(islice(groups, limit), plain, as_json, as_lines)
        prompts = reader.prompts(selection, sort, limit)
        return _print_list(prompts, folder, plain, as_json, as_lines)


def _print_list(
    found: Iterable[Prompt],
    folder: str | None,
    plain: bool,
    as_json: bool,
    as_lines: bool,
) -> None:
    if as_json or as_lines:
        terminal.write_json_rows(map(prompt_row, found), lines=as_lines)
    elif plain:
        terminal.write("".join(f"{prompt.name}\n" for prompt in found))
    else:
        print_prompts(found, folder)


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
    all_vaults: options.AllVaults = False,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """Search names, titles, descriptions, tags and texts; the best hits come first."""
    refuse_options(query)
    selection = Selection(folder, tuple(map(validate_tag, tags or ())), source)
    text = " ".join(query)
    if all_vaults:
        vaults = Vaults()
        found = vaults.read(lambda r: [*finder.search(r, text, selection, limit)])
        _print_hits(best_hits(found, limit), as_json, as_lines)
        return vaults.end()
    with open_reader() as reader:
        hits = finder.search(reader, text, selection, limit)
        return _print_hits(hits, as_json, as_lines)


def _print_hits(hits: Iterable[Hit], as_json: bool, as_lines: bool) -> None:
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
