"""Output of `list --similar`."""

from collections.abc import Iterable, Iterator

from promptvault.cli import terminal
from promptvault.cli.render.table import Column, print_table
from promptvault.services.similar.groups import Group, SimilarPrompt


def print_groups(found: Iterable[Group]) -> None:
    """Print groups of prompts; in a pipe each line begins with the group's number."""
    if not terminal.stdout_is_terminal():
        numbered = enumerate(found, 1)
        lines = (
            _numbered(n, alike) for n, group in numbered for alike in group.members
        )
        return print_table((), lines, "")
    shown = list(found)
    columns = (
        Column("Alike", numeric=True, wrap=False),
        Column("Name", "cyan"),
        Column("Title", flexible=True),
        Column("Source", "dim", wrap=False),
    )
    print_table(columns, _spaced(shown), "No prompts are nearly the same.")
    if shown:
        terminal.note(_summary(shown))
    return None


def print_group_names(found: Iterable[Group]) -> None:
    """Print one name a line, with an empty line between groups."""
    for index, group in enumerate(found):
        lines = "".join(f"{alike.prompt.name}\n" for alike in group.members)
        terminal.write("\n" * bool(index) + lines)


def _numbered(number: int, alike: SimilarPrompt) -> tuple[str, ...]:
    prompt = alike.prompt
    return str(number), str(alike.similarity), prompt.source, prompt.name


def _spaced(found: Iterable[Group]) -> Iterator[tuple[str, ...]]:
    for index, group in enumerate(found):
        if index:
            yield ("",) * 4
        yield from map(_line, group.members)


def _line(alike: SimilarPrompt) -> tuple[str, ...]:
    prompt = alike.prompt
    return f"{alike.similarity} %", prompt.name, prompt.title, prompt.source


def _summary(found: Iterable[Group]) -> str:
    sizes = [len(group.members) for group in found]
    groups = "1 group" if len(sizes) == 1 else f"{len(sizes):,} groups"
    return (
        f"{sum(sizes):,} prompts in {groups}; % is relative to the first of a group."
        " 'promptvault diff A B' compares two."
    )
