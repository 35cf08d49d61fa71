"""`add`, `edit`, `set`, `move`, `copy`: new prompts and changes."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, shared, terminal
from promptvault.cli.context import default_vault, open_reader
from promptvault.cli.editor import EditorFile, discard_when_saved
from promptvault.cli.render.prompts import report_saved
from promptvault.cli.rows.prompts import saved_row
from promptvault.cli.unsaved_text import find_unsaved, note_unsaved
from promptvault.cli.values import read_file
from promptvault.cli.workspace import workspace
from promptvault.domain.name import parse_reference, split_vault, validate_name
from promptvault.domain.share_link import share_origin
from promptvault.errors import InvalidInputError
from promptvault.services.prompts.edit import (
    add_prompt,
    change_details,
    copy_prompt,
    edit_prompt,
    move_prompts,
)
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.services.prompts.prompt_document import (
    DetailChanges,
    editable_text,
    parse_document,
)
from promptvault.services.vaults.local import in_vault
from promptvault.services.vaults.transfer import Transfer, copy_into, move_into
from promptvault.vault.sync.team import require_editor, require_member

History = Annotated[
    bool,
    typer.Option("--history", help="Into another vault, with all older versions."),
]
AllowSecrets = Annotated[
    bool,
    typer.Option(
        "--allow-secrets", help="Into another vault, even with likely secrets."
    ),
]


def add(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=completion.folders,
            callback=options.in_one_vault,
            help="A new name, as 'coding/review'.",
        ),
    ],
    body: Annotated[
        str | None,
        typer.Argument(metavar="[BODY]", help="The text; '-' reads it from stdin."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Read the text from a file.")
    ] = None,
    shared_at: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="Take a shared prompt, by its link."
        ),
    ] = None,
    password_file: options.PasswordFile = None,
    title: options.Title = None,
    description: options.Description = None,
    tags: options.Tags = None,
    template: options.Template = None,
    message: options.Message = None,
    upsert: Annotated[
        bool,
        typer.Option("--upsert", help="Make a new version if NAME exists."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Save a new prompt: from an argument, a file, stdin ('-'), or your editor."""
    validate_name(name)
    tag_list = tuple(tags) if tags else None
    fields = DetailChanges(title, description, tag_list)
    if shared_at is not None:
        if body is not None or file is not None or template is not None:
            raise InvalidInputError("With --from, the text comes from the link alone.")
        saved = _add_shared(name, shared_at, password_file, fields, message, upsert)
        return _report_added(saved, as_json=as_json)
    draft = None
    if body is None and file is None and terminal.can_ask():
        draft = EditorFile("", name)
        text = draft.edit()
    else:
        text = _given_text(body, file)
    with discard_when_saved(draft):
        document = parse_document(text, template)
        saved = add_prompt(
            workspace(), name, document, fields, message=message, upsert=upsert
        )
    return _report_added(saved, as_json=as_json)


def _report_added(saved: Saved, *, as_json: bool) -> None:
    _report([saved], as_json=as_json)
    if saved.prompt.template:
        _warn_of_failure(saved.prompt.name)


def _add_shared(
    name: str,
    url: str,
    password_file: str | None,
    fields: DetailChanges,
    message: str | None,
    upsert: bool,
) -> Saved:
    # As in shared.fetch.
    from promptvault.services.shares.received import to_add

    found = shared.fetch(url, password_file)
    return add_prompt(
        workspace(),
        name,
        to_add(found),
        fields,
        message=message,
        upsert=upsert,
        origin=share_origin(found.url),
    )


def _warn_of_failure(name: str) -> None:
    from promptvault.services.prompts.lint import (
        find_template_error,  # Jinja2, for templates alone
    )

    with open_reader() as reader:
        found = find_template_error(reader, name)
    if found:
        where = f" (line {found.line})" if found.line else ""
        terminal.note(
            f"Warning: {name} is saved, but its template cannot be filled in{where}:"
            f" {found.message}"
        )


def _given_text(body: str | None, file: Path | None) -> str:
    if file is not None and body is not None:
        raise InvalidInputError("Give the text once: as an argument or with --file.")
    if file is not None and str(file) != "-":
        return read_file(file)
    if body is not None and body != "-":
        return body
    return terminal.read_stdin()


def edit(
    name: options.Name,
    message: options.Message = None,
    as_json: options.Json = False,
) -> None:
    """Change a prompt in your editor; a new version if the text changed."""
    if parse_reference(name).revision:
        raise InvalidInputError(
            "Versions never change; 'revert' restores an older one."
        )
    with open_reader() as reader:
        require_member(reader.connection)  # before the editor opens, not after it
        require_editor(reader.connection)
        prompt = reader.get(name)
        content = reader.current(prompt).content
    note_unsaved(find_unsaved())
    before = editable_text(content)
    draft = EditorFile(before, prompt.name)
    text = draft.edit()
    if text == before:
        draft.discard()
        return _report([Saved(prompt, Outcome.UNCHANGED)], as_json=as_json)
    with discard_when_saved(draft):
        saved = edit_prompt(workspace(), prompt, content, text, message)
    return _report([saved], as_json=as_json)


def set_(
    name: options.Name,
    title: options.Title = None,
    description: options.Description = None,
    tags: options.Tags = None,
    untag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG", autocompletion=completion.tags, help="Remove a tag."
        ),
    ] = None,
    favourite: Annotated[
        bool | None,
        typer.Option(
            "--favourite/--no-favourite",
            help="Mark it as a favourite.",
            show_default=False,
        ),
    ] = None,
    template: options.Template = None,
    allow_secrets: Annotated[
        bool | None,
        typer.Option(
            "--allow-secrets/--no-allow-secrets",
            help="Whether it may leave this vault even if it seems to hold secrets.",
            show_default=False,
        ),
    ] = None,
    message: options.Message = None,
    as_json: options.Json = False,
) -> None:
    """Change a prompt's title, description, tags, favourite mark or template flag."""
    fields = DetailChanges(
        title, description, tuple(tags or ()), favourite, allow_secrets
    )
    if fields == DetailChanges(tags=()) and not untag and template is None:
        raise InvalidInputError("Say what to set: --title, --tag … Try 'set --help'.")
    saved = change_details(
        workspace(),
        name,
        fields,
        untag=untag or (),
        template=template,
        message=message,
    )
    _report([saved], as_json=as_json)


def move(
    name: options.Name,
    new: options.NewName,
    history: History = False,
    allow_secrets: AllowSecrets = False,
    message: options.Message = None,
    as_json: options.Json = False,
) -> None:
    """Rename a prompt, or with 'old/' 'new/' a folder; the history follows.

    Into another vault, 'acme:new', it is copied, and then put into the trash here.
    """
    transfer, new = _transfer(new, message, history, allow_secrets)
    if transfer is None:
        moved = move_prompts(workspace(), name, new, message)
    else:
        moved = move_into(transfer, name, new)
    vault = transfer.target.paths.vault if transfer else None
    _report(moved, vault, as_json=as_json, as_list=name.endswith("/"))


def copy(
    reference: options.Reference,
    new: options.NewName,
    history: History = False,
    allow_secrets: AllowSecrets = False,
    message: options.Message = None,
    as_json: options.Json = False,
) -> None:
    """Save a prompt, or one version of it, under another name, also in another vault.

    What is held back because of a likely secret stays in its vault.
    """
    transfer, new = _transfer(new, message, history, allow_secrets)
    if transfer is None:
        saved = copy_prompt(workspace(), reference, new, message)
    else:
        saved = copy_into(transfer, reference, new)
    vault = transfer.target.paths.vault if transfer else None
    _report([saved], vault, as_json=as_json)


def _transfer(
    new: str, message: str | None, history: bool, allow_secrets: bool
) -> tuple[Transfer | None, str]:
    """Return how to get into the vault of *new*, None if it is the same vault."""
    vault, name = split_vault(new)
    source = workspace()
    wanted = vault or default_vault()
    if wanted != source.paths.vault:
        target = in_vault(source, wanted)
        return Transfer(source, target, message, history, allow_secrets), name
    if history or allow_secrets:
        raise InvalidInputError(
            "--history and --allow-secrets are for another vault: VAULT:NEW."
        )
    return None, name


def _report(
    results: list[Saved],
    vault: str | None = None,
    *,
    as_json: bool,
    as_list: bool = False,
) -> None:
    if as_json and as_list:
        terminal.write_json_rows(map(saved_row, results))
    elif as_json:
        terminal.write_json(saved_row(results[0]))
    else:
        report_saved(results, vault)
