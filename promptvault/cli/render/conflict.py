"""Printing conflicts: both sides, and their differences."""

from collections.abc import Iterator, Sequence
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.context import current_vault
from promptvault.cli.render.format import format_count, format_time
from promptvault.cli.render.prompts import print_diff
from promptvault.cli.render.table import Column, print_table
from promptvault.home import full_name
from promptvault.services.prompts.diff import unified_diff
from promptvault.services.sync.conflict import (
    Conflict,
    ConflictSide,
    Device,
    comparable_fields,
)
from promptvault.services.sync.resolve import Resolution


def conflicts(found: Sequence[Conflict]) -> None:
    """Print a list of conflicts."""
    columns = (
        Column("Name", "cyan"),
        Column("Ours", wrap=False),
        Column("Theirs", wrap=False),
        Column("Differ in", "dim"),
    )
    lines = (
        (
            f"{each.prompt.name} (in the trash)"
            if each.is_trashed
            else each.prompt.name,
            _origin(each.ours, each.ours_by),
            _origin(each.theirs, each.theirs_by),
            ", ".join(each.differences),
        )
        for each in found
    )
    print_table(columns, lines, "There are no conflicts.")
    if found:
        terminal.note(
            "'promptvault conflicts resolve NAME' shows both sides and resolves it."
        )


def _origin(side: ConflictSide, device: Device) -> str:
    version = side.version
    return f"{version.number}, {format_time(version.created_at)}, {device}"


def sides(conflict: Conflict) -> None:
    """Print both sides of a conflict and their differences."""
    ours, theirs = conflict.ours, conflict.theirs
    columns = (Column("", "dim"), Column("Ours", "red"), Column("Theirs", "green"))
    print_table(columns, _facts(conflict), "")
    old = f"ours (version {ours.version.number}, {conflict.ours_by})"
    new = f"theirs (version {theirs.version.number}, {conflict.theirs_by})"
    print_diff(unified_diff(ours.version.body, theirs.version.body, old, new))
    _explain(conflict)


def _facts(conflict: Conflict) -> Iterator[tuple[str, str, str]]:
    ours, theirs = conflict.ours, conflict.theirs
    yield "version", str(ours.version.number), str(theirs.version.number)
    times = ours.version.created_at, theirs.version.created_at
    yield "made", format_time(times[0]), format_time(times[1])
    yield "on", str(conflict.ours_by), str(conflict.theirs_by)
    yield "by", ours.version.author.name, theirs.version.author.name
    yield "why", ours.version.message, theirs.version.message
    mine, other = comparable_fields(ours), comparable_fields(theirs)
    for name in conflict.differences:
        if name != "text":
            yield name, _shown(mine[name]), _shown(other[name])


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name}@{number}" for name, number in value.items())
        case str():
            return value
    return ", ".join(getattr(each, "name", each) for each in value)


def _explain(conflict: Conflict) -> None:
    name = full_name(current_vault(), conflict.prompt.name)
    given = "theirs" if conflict.copy.mine else "ours"
    terminal.note(f"\n'promptvault get {name}' prints {given} until this is resolved.")
    if conflict.is_trashed:
        terminal.note(f"It is in the trash: 'promptvault trash restore {name}'.")
    if conflict.more:
        terminal.note(f"{format_count(conflict.more, 'more conflict')} at this prompt.")


def resolution(done: Resolution) -> None:
    """Print the outcome of resolving a conflict."""
    prompt = done.prompt
    name = full_name(current_vault(), prompt.name)
    how = "resolved" if done.is_changed else "resolved, the prompt is unchanged"
    terminal.note(f"{name}: {how} (version {prompt.version}).")
    if done.kept:
        parts = ", ".join(done.kept)
        terminal.note(f"Both sides also differ in: {parts}. These are unchanged.")
    if done.more:
        more = format_count(done.more, "more conflict")
        terminal.note(f"{more}: 'promptvault conflicts resolve {name}'.")
