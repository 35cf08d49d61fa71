"""Drawing for people: a template that was made, and how its sources come back."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from promptvault.cli import terminal
from promptvault.cli.render.table import Column, print_table
from promptvault.services.templates.from_prompts import Filling, Source, reference_of

_LONGEST = 60
"""Characters of a value that is shown; a longer one is better in a file."""


def print_template(text: str) -> None:
    """Print a template as an editor shows it."""
    terminal.write_text(text if text.endswith("\n") else f"{text}\n")


def report_fillings(given: Sequence[Source], found: Sequence[Filling]) -> None:
    """Tell with which values a template gives each source, and how near it comes."""
    if not terminal.stdout_is_terminal():
        for reference, likeness, values in _lines(given, found):
            terminal.note(f"{reference} ({likeness}): {values}")
        return
    columns = (Column("Prompt", "cyan"), Column("Like", wrap=False), Column("Values"))
    print_table(columns, _lines(given, found), "")


def report_usage(name: str, values: Mapping[str, str]) -> None:
    """Tell how to fill a template in, by an example."""
    terminal.note(f"Use it: promptvault get {name} {_options(values)}".rstrip())


def _lines(
    given: Sequence[Source], found: Sequence[Filling]
) -> Iterator[tuple[str, str, str]]:
    for source, filling in zip(given, found, strict=True):
        likeness = "exactly" if filling.is_exact else f"{filling.similarity} %"
        yield reference_of(source), likeness, _options(filling.values)


def _options(values: Mapping[str, str]) -> str:
    return " ".join(_option(name, value) for name, value in values.items())


def _option(name: str, value: str) -> str:
    """Return the option that gives a value; a long or broken one from a file."""
    if len(value) > _LONGEST or not value.isprintable():
        return f"-p {name}=@FILE"
    option = "-P" if value.startswith(("@", "\\@")) else "-p"
    return f"{option} {name}={shlex.quote(value)}"
