"""Output of `template new` and `template from`."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from promptvault.cli import terminal
from promptvault.cli.render.table import Column, print_table
from promptvault.services.templates.from_prompts import Filling, Source, reference_of

_LONGEST = 60
"""Characters; a longer value is shown as a file."""


def print_template(text: str) -> None:
    """Print a template as text for an editor."""
    terminal.write_text(text if text.endswith("\n") else f"{text}\n")


def report_fillings(given: Sequence[Source], found: Sequence[Filling]) -> None:
    """Print the values that reproduce each source, and the similarity."""
    if not terminal.stdout_is_terminal():
        for reference, likeness, values in _lines(given, found):
            terminal.note(f"{reference} ({likeness}): {values}")
        return
    columns = (Column("Prompt", "cyan"), Column("Like", wrap=False), Column("Values"))
    print_table(columns, _lines(given, found), "")


def report_usage(name: str, values: Mapping[str, str]) -> None:
    """Report an example of how to fill in the template."""
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
    """Return the option for a value; a long or unprintable one is read from a file."""
    if len(value) > _LONGEST or not value.isprintable():
        return f"-p {name}=@FILE"
    option = "-P" if value.startswith(("@", "\\@")) else "-p"
    return f"{option} {name}={shlex.quote(value)}"
