"""Drawing shares, and prompts that others share."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_day
from promptvault.cli.render.table import Column, console, print_table

if TYPE_CHECKING:
    from promptvault.wire.share import SharedPrompt, ShareRead

_ID_LENGTH = 8


def print_shares(shares: Sequence["ShareRead"]) -> None:
    """Print a table of shares."""
    columns = (
        Column("Name", "cyan"),
        Column("Shows"),
        Column("State"),
        Column("Views", numeric=True),
        Column("Expires", "dim", wrap=False),
        Column("Link", wrap=False),
        Column("Id", "dim", wrap=False),
    )
    print_table(
        columns, map(_line, shares), "Nothing is shared: 'promptvault share NAME'."
    )


def _line(share: "ShareRead") -> tuple[str, ...]:
    limit = "" if share.max_views is None else f"/{share.max_views}"
    lock = " (password)" if share.has_password else ""
    return (
        share.name or "(deleted)",
        _shows(share),
        state_of(share) + lock,
        f"{share.views}{limit}",
        format_day(share.expires_at) if share.expires_at else "never",
        share.url,
        str(share.id)[:_ID_LENGTH],
    )


def _shows(share: "ShareRead") -> str:
    if share.label:
        return f"@{share.label}"
    return f"@{share.version}" if share.version else "current"


def state_of(share: "ShareRead") -> str:
    """Return the state in words, and why a share is paused."""
    state = str(share.state.value).replace("_", " ")
    return f"{state}: {share.why}" if share.why else state


def note_ended(shares: Sequence["ShareRead"]) -> None:
    """Report which shares were ended."""
    terminal.note(f"Ended {format_count(len(shares), 'share')}.")


def print_shared(shared: "SharedPrompt") -> None:
    """Print the details of a shared prompt, then its text."""
    from rich.rule import Rule
    from rich.table import Table

    from promptvault.cli.render.screen import text

    screen = console()
    screen.print(text(shared.title or shared.name, "bold cyan"))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    for key, value in _facts(shared):
        facts.add_row(key, text(value))
    screen.print(facts)
    screen.print(Rule(style="dim") if terminal.stdout_is_terminal() else "")
    body = shared.body.replace("\r\n", "\n")
    screen.print(text(body), soft_wrap=not terminal.stdout_is_terminal())


def _facts(shared: "SharedPrompt") -> Iterator[tuple[str, str]]:
    yield "name", shared.name
    if shared.description:
        yield "about", shared.description
    yield "version", str(shared.version)
    if shared.author:
        yield "author", shared.author
    if shared.template:
        names = ", ".join(str(row.get("name")) for row in shared.variables)
        yield "template", f"variables: {names or 'none declared'}"
    yield "from", shared.url
