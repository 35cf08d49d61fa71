"""Prompts that others share, given by their links in place of a NAME or a PATH."""

from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.password import read_password
from promptvault.cli.render.format import format_count
from promptvault.domain.share_link import parse_share_link
from promptvault.errors import AuthenticationError

if TYPE_CHECKING:
    from promptvault.wire.share import SharedPrompt


def fetch(url: str, password_file: str | None = None) -> "SharedPrompt":
    """Return the prompt behind a link; ask for the password if it needs one.

    Warns of invisible characters in it.
    """
    # httpx and pydantic, which other uses of the commands need not import.
    from promptvault.client.shared_prompt import fetch_shared
    from promptvault.services.shares.received import count_invisible

    link, password = parse_share_link(url), read_password(password_file)
    try:
        shared = fetch_shared(link, password)
    except AuthenticationError:
        if password is not None or not terminal.can_ask():
            raise
        shared = fetch_shared(link, read_password(None, asked=True))
    if count := count_invisible(shared):
        hidden = format_count(count, "invisible character")
        terminal.note(
            f"Warning: the prompt has {hidden}, which can hide instructions; the page"
            " of the link shows them."
        )
    return shared


def print_text(
    shared: "SharedPrompt",
    values: list[str] | None,
    literals: list[str] | None,
    *,
    raw: bool,
    copy: bool,
    as_json: bool,
) -> None:
    """Print the text of a shared prompt as `get` prints it."""
    from promptvault.cli.values import read_values
    from promptvault.services.shares.received import text_of

    text = shared.body
    if not raw and (shared.template or values or literals):
        text = text_of(shared, read_values(values, literals), terminal.read_piped)
    if copy:
        from promptvault.cli.clipboard import copy_text  # few ask for it

        copy_text(text)
        terminal.note(f"Copied {shared.name} to the clipboard.")
    elif as_json:
        row = {"name": shared.name, "version": shared.version, "body": text}
        terminal.write_json(row)
    else:
        terminal.write(text)


def print_details(shared: "SharedPrompt", *, as_json: bool) -> None:
    """Print what is known of a shared prompt, and its text."""
    if as_json:
        terminal.write_json(shared.model_dump())
        return
    from promptvault.cli.render.sharing import print_shared

    print_shared(shared)
