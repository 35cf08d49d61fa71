"""`pick`: an interactive choice of a prompt, for shell widgets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import count_use_of, is_vault_chosen
from promptvault.cli.everywhere import Vaults, all_prompts
from promptvault.errors import NotFoundError
from promptvault.home import full_name
from promptvault.vault.reader import Reader, Selection, Sort


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
        by_vault = {
            vault: [*reader.prompts(selection, Sort.USED)]
            for vault, reader in readers.items()
        }
        places = {
            full_name(vault, prompt.name): (vault, prompt)
            for vault, prompts in by_vault.items()
            for prompt in prompts
        }
        found = all_prompts(by_vault, Sort.USED)
        choices = [Choice(p.name, p.title, p.tags, p.description) for p in found]
        if not choices:
            raise NotFoundError("There are no prompts to pick from.")

        def text_of(name: str) -> str:
            vault, prompt = places[name]
            return readers[vault].current(prompt).body

        name = run_picker(choices, query, text_of)
        if name is None:
            raise KeyboardInterrupt
        text = text_of(name)
    if as_json:
        terminal.write_json({"name": name, "body": text})
    else:
        terminal.write(text if body else name + "\n")
    if body:
        vault, prompt = places[name]
        count_use_of(prompt.id, vault)


@contextmanager
def _open_readers(all_vaults: bool) -> Iterator[dict[str, Reader]]:
    vaults = Vaults(everywhere=all_vaults or not is_vault_chosen())
    with vaults.readers() as readers:
        vaults.print_errors()
        yield readers
