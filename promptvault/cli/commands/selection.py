"""`pick`: an interactive choice of a prompt, for shell widgets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import (
    count_use_of,
    is_vault_chosen,
    open_all_readers,
    open_reader,
)
from promptvault.cli.everywhere import Readers, prompts_everywhere
from promptvault.domain.name import split_vault
from promptvault.domain.prompt import Prompt
from promptvault.errors import NotFoundError
from promptvault.vault.reader import Selection, Sort


def pick(
    query: Annotated[str, typer.Argument(help="The initial search text.")] = "",
    folder: options.Folder = None,
    tags: options.Tags = None,
    body: Annotated[
        bool, typer.Option("--body", help="Print the text instead of the name.")
    ] = False,
    all_vaults: options.AllVaults = False,
    as_json: options.Json = False,
) -> None:
    """Choose a prompt in a fuzzy picker and print its name, as for $(...).

    Unless a vault is chosen, the prompts of all vaults are shown.
    """
    # prompt_toolkit is slow to import, and completion reads this module.
    from promptvault.cli.picker.picker import Choice
    from promptvault.cli.picker.picker import pick as run_picker

    selection = Selection(folder, tuple(tags or ()))
    with _open_readers(all_vaults) as readers:
        found = prompts_everywhere(readers, selection, Sort.USED)
        choices = [Choice(p.name, p.title, p.tags, p.description) for p in found]
        if not choices:
            raise NotFoundError("There are no prompts to pick from.")
        name = run_picker(choices, query, lambda name: _find(readers, name)[1])
        if name is None:
            raise KeyboardInterrupt
        prompt, text = _find(readers, name)
    if as_json:
        terminal.write_json({"name": name, "body": text})
    else:
        terminal.write(text if body else name + "\n")
    if body:
        vault, _ = split_vault(name)
        count_use_of(prompt.id, vault)


@contextmanager
def _open_readers(all_vaults: bool) -> Iterator[Readers]:
    if all_vaults or not is_vault_chosen():
        with open_all_readers() as readers:
            yield readers
    else:
        with open_reader() as reader:
            yield {None: reader}


def _find(readers: Readers, name: str) -> tuple[Prompt, str]:
    """Return a prompt and its text."""
    vault, rest = split_vault(name)
    reader = readers[vault]
    prompt = reader.get(rest)
    return prompt, reader.current(prompt).body
