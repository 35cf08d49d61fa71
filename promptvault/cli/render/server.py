"""Drawing what a server knows of its users."""

from collections.abc import Mapping, Sequence
from typing import Any

from promptvault.cli.render.format import format_day, format_size
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.timestamp import from_text


def users(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a list of users, of rows as `--json` prints them."""
    columns = (
        Column("E-mail", "cyan"),
        Column("Tier"),
        Column("Prompts", numeric=True),
        Column("Limit", "dim", numeric=True),
        Column("Stored", numeric=True),
        Column("Since", "dim", wrap=False),
    )
    none = "There are no users: add one with 'promptvault server user add EMAIL'."
    print_table(columns, map(_line, rows), none)


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    limit = row["prompt_limit"]
    return (
        row["email"],
        row["tier"],
        str(row["prompts"]),
        "-" if limit is None else str(limit),
        format_size(row["stored_bytes"]),
        format_day(from_text(row["created_at"])),
    )
