"""`pick`: an interactive choice of a prompt, for shell widgets."""

from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import count_use_of, open_reader
from promptvault.errors import NotFoundError
from promptvault.vault.reader import Reader, Selection, Sort


def pick(
    query: Annotated[str, typer.Argument(help="The initial search text.")] = "",
    folder: options.Folder = None,
    tags: options.Tags = None,
    body: Annotated[
        bool, typer.Option("--body", help="Print the text instead of the name.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Choose a prompt in a fuzzy picker and print its name, as for $(...)."""
    # prompt_toolkit is slow to import, and completion reads this module.
    from promptvault.cli.picker.picker import Choice
    from promptvault.cli.picker.picker import pick as run_picker

    with open_reader() as reader:
        selection = Selection(folder, tuple(tags or ()))
        found = reader.prompts(selection, Sort.USED)
        choices = [Choice(p.name, p.title, p.tags, p.description) for p in found]
        if not choices:
            raise NotFoundError("There are no prompts to pick from.")
        name = run_picker(choices, query, lambda name: _text(reader, name))
        if name is None:
            raise KeyboardInterrupt
        prompt = reader.get(name)
        text = _text(reader, name)
    if as_json:
        terminal.write_json({"name": name, "body": text})
    else:
        terminal.write(text if body else name + "\n")
    if body:
        count_use_of(prompt.id)


def _text(reader: Reader, name: str) -> str:
    return reader.current(reader.get(name)).body
