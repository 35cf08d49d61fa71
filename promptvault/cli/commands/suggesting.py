"""`suggest`: what to do next in this vault."""

from typing import Annotated

import typer

from promptvault.cli import discovery, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render.suggestion import print_suggestions
from promptvault.cli.rows.suggestion import suggestions_row
from promptvault.services.suggestions.suggest import find_suggestions
from promptvault.services.suggestions.suggestion import SuggestionKind


def suggest(
    kinds: Annotated[
        list[SuggestionKind] | None,
        typer.Option("--kind", help="Only suggestions of this kind; may be repeated."),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
) -> None:
    """Suggest what to do next, with reasons and the commands to type.

    Looks for prompts on this computer to import, prompts that could be one template,
    constants that could be variables, and missing descriptions. Nothing is sent
    anywhere, and nothing is changed.
    """
    with open_reader() as reader:
        looks = not kinds or SuggestionKind.IMPORT in kinds
        places = discovery.find_sources(reader) if looks else ()
        found = find_suggestions(reader, places, kinds or (), limit)
    if as_json:
        terminal.write_json(suggestions_row(found))
    else:
        print_suggestions(found)
