"""`suggest`: what to do next in this vault."""

from typing import Annotated

import typer

from promptvault.cli import discovery, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render import suggestion as render_suggestion
from promptvault.services.suggestions import suggest as suggesting
from promptvault.services.suggestions.suggestion import Kind


def suggest(
    kinds: Annotated[
        list[Kind] | None,
        typer.Option("--kind", help="Only suggestions of this kind; may be repeated."),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
) -> None:
    """See what to do next here: each with its reason and the command to type.

    Looks for prompts on this computer to import, prompts that could be one template,
    constants that could be variables, and what lacks a description. Nothing is sent
    anywhere, and nothing is changed.
    """
    with open_reader() as reader:
        looks = not kinds or Kind.IMPORT in kinds
        places = discovery.found(reader) if looks else ()
        found = suggesting.advise(reader, places, kinds or (), limit)
    if as_json:
        terminal.write_json(render_suggestion.advice_row(found))
    else:
        render_suggestion.advice(found)
