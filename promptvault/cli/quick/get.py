"""`get`: the text of a prompt."""

from promptvault.cli import terminal
from promptvault.cli.context import count_use_of, open_reader, open_vault
from promptvault.domain.name import parse_reference
from promptvault.domain.revision import parse_revision
from promptvault.vault.lookup import find_text


def print_text(
    reference: str,
    values: list[str] | None = None,
    literals: list[str] | None = None,
    *,
    raw: bool = False,
    copy: bool = False,
    as_json: bool = False,
) -> None:
    """Print the text that NAME@REV means, filled in if it is a template."""
    name, revision = parse_reference(reference)
    with open_vault() as connection:
        wanted = parse_revision(revision) if revision else None
        found = find_text(connection, name, wanted)
    text = found.body
    if not raw and (found.template or values or literals):
        text = _filled(reference, values, literals)
    if copy:
        from promptvault.cli.clipboard import copy_text  # few ask for it

        copy_text(text)
        terminal.note(f"Copied {found.name} to the clipboard.")
    elif as_json:
        row = {"name": found.name, "version": found.number, "body": text}
        terminal.write_json(row)
    else:
        terminal.write(text)
    count_use_of(found.prompt_id)


def _filled(
    reference: str, values: list[str] | None, literals: list[str] | None
) -> str:
    # Templates need the whole reader, since they may include other prompts.
    from promptvault.cli.values import read_values
    from promptvault.services.prompts import retrieval

    with open_reader() as reader:
        prompt, version = retrieval.resolve(reader, reference)
        given = read_values(values, literals)
        return retrieval.text_of(reader, prompt, version, given, terminal.read_piped)
