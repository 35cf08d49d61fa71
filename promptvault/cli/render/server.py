"""Drawing the users of a server, their limits, its teams, and its jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.render.format import (
    format_count,
    format_day,
    format_size,
    format_time,
)
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.money import price_text
from promptvault.domain.timestamp import from_text


def print_users(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of users; *rows* are those of `--json`."""
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


def print_prices(row: Mapping[str, Any]) -> None:
    """Print prices and problems; *row* is that of `--json`."""
    columns = (
        Column("Price", "cyan", wrap=False),
        Column("Amount", numeric=True),
        Column("Interval"),
        Column("Sold"),
    )
    print_table(columns, map(_price_line, row["prices"]), "No price was found.")
    mode = "live" if row["livemode"] else "test"
    if not row["problems"]:
        terminal.note(f"All is well in the {mode} mode.")
    for problem in row["problems"]:
        terminal.note(problem)


def _price_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    amount = row["amount"]
    return (
        row["id"],
        "-" if amount is None else price_text(amount, row["currency"]),
        row["interval"] or "once",
        "yes" if row["active"] else "archived",
    )


def print_jobs(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of jobs; *rows* are those of `--json`."""
    columns = (
        Column("Id", "cyan", wrap=False),
        Column("Kind"),
        Column("State"),
        Column("Attempts", numeric=True),
        Column("Added", "dim", wrap=False),
        Column("Last error"),
    )
    print_table(columns, map(_job_line, rows), "No job waits, and none is dead.")


def _job_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["id"],
        row["kind"],
        row["state"],
        str(row["attempts"]),
        format_time(from_text(row["created_at"])),
        row["error"] or "",
    )


def print_ai_usage(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of what accounts have used; *rows* are those of `--json`."""
    columns = (
        Column("User"),
        Column("Tier"),
        Column("Requests", numeric=True),
        Column("Optimizations", numeric=True),
        Column("USD", numeric=True),
        Column("Cap", numeric=True),
        Column("State"),
    )
    print_table(columns, map(_ai_line, rows), "No one has used the model this month.")


def _ai_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["email"] or "",
        row["tier"],
        str(row["requests"]),
        str(row["optimizations"]),
        f"{row['spent_usd']:.4f}",
        f"{row['cap_usd']:.2f}",
        "blocked" if row["blocked"] else "",
    )


def print_shares(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of shares; *rows* are those of `--json`."""
    columns = (
        Column("Id", "cyan", wrap=False),
        Column("User"),
        Column("State"),
        Column("Views", numeric=True),
        Column("Since", "dim", wrap=False),
        Column("Link", wrap=False),
    )
    print_table(columns, map(_share_line, rows), "Nothing is shared.")


def _share_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["id"],
        row["email"],
        row["state"],
        str(row["views"]),
        format_day(from_text(row["created_at"])),
        row["url"],
    )


_STATES = {
    None: "live",
    "plan": "frozen: too many members",
    "owner_gone": "frozen: no owner",
    "deleted": "deleted",
}


def print_teams(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of teams; *rows* are those of `--json`."""
    columns = (
        Column("Team", "cyan"),
        Column("Name"),
        Column("Owner"),
        Column("Members", numeric=True),
        Column("Prompts", numeric=True),
        Column("State"),
        Column("Since", "dim", wrap=False),
    )
    print_table(columns, map(_team_line, rows), "There are no teams.")


def _team_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["slug"],
        row["name"],
        row["owner"] or "-",
        str(row["members"]),
        str(row["prompts"]),
        _STATES[row["frozen"]],
        format_day(from_text(row["created_at"])),
    )


def format_limits(prompts: int | None, storage: int | None) -> str:
    """Return the limits of an account in words; *storage* is in bytes."""
    prompts_text = (
        "unlimited prompts" if prompts is None else format_count(prompts, "prompt")
    )
    storage_text = "unlimited" if storage is None else format_size(storage)
    return f"{prompts_text}, {storage_text} storage"
