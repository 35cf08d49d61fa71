"""Drawing for people what `lint` found and what `stats` counted."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from promptvault.cli import render, terminal
from promptvault.services.linting import Finding, Linted, Severity
from promptvault.vault.statistics import Count, Counts, Statistics, Totals

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFO: "blue",
}


def lint(found: Sequence[Linted], *, chosen: bool, notes: bool) -> None:
    """Print findings by prompt; with *chosen*, also the prompts that have none.

    Without *notes*, findings of severity info are left out and only counted.
    """
    if terminal.stdout_is_terminal():
        _draw_findings(found, chosen=chosen, notes=notes)
    else:
        lines = (_finding_line(f) for one in found for f in _shown(one, notes=notes))
        render.table((), lines, "")
    terminal.note(_summary(found, notes=notes))


def _shown(linted: Linted, *, notes: bool) -> list[Finding]:
    return [f for f in linted.findings if notes or f.severity is not Severity.INFO]


def _finding_line(finding: Finding) -> tuple[str, ...]:
    line = str(finding.line or "")
    return finding.prompt, line, finding.severity, finding.code, finding.message


def _draw_findings(found: Sequence[Linted], *, chosen: bool, notes: bool) -> None:
    from rich.text import Text

    screen = render.console()
    for linted in found:
        shown = _shown(linted, notes=notes)
        if not shown and not chosen:
            continue
        heading = Text(linted.name, "bold cyan")
        length = f"  about {_count(linted.tokens, 'token')}"
        heading.append(length, "dim not bold default")
        screen.print(heading)
        screen.print(_finding_table(shown) if shown else "  nothing found", end="\n\n")


def _finding_table(findings: Iterable[Finding]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(width=9)
    drawn.add_column(style="dim", justify="right", width=4)
    drawn.add_column()
    for finding in findings:
        severity = Text(f"  {finding.severity}", _SEVERITY_STYLES[finding.severity])
        message = Text(finding.message).append(f"  {finding.code}", "dim")
        drawn.add_row(severity, str(finding.line or ""), message)
    return drawn


def _summary(found: Sequence[Linted], *, notes: bool) -> str:
    errors, warnings, infos = (
        sum(linted.count(severity) for linted in found) for severity in Severity
    )
    parts = [_count(errors, "error")] if errors else []
    parts += [_count(warnings, "warning")] if warnings else []
    parts += [_count(infos, "note")] if infos and notes else []
    hidden = 0 if notes else infos
    result = " and ".join(", ".join(parts).rsplit(", ", 1)) or "No mistakes"
    hint = f" --all lists {_count(hidden, 'note')} too." if hidden else ""
    return f"{result} in {_count(len(found), 'prompt')}.{hint}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def statistics(found: Statistics) -> None:
    """Draw what is in the vault; to a pipe, a line for each number."""
    if not terminal.stdout_is_terminal():
        render.table((), _statistics_lines(found), "")
    elif found.totals.prompts:
        _draw_statistics(found)
    else:
        _draw_totals(found)
    if not found.totals.prompts:
        terminal.note(
            "There are no prompts. Save one with 'promptvault add',"
            " or bring your chats: 'promptvault import'."
        )


def _statistics_lines(found: Statistics) -> Iterator[tuple[str, str, str]]:
    for name, number in found.totals._asdict().items():
        yield "total", name, str(number)
    yield "total", "tokens", str(found.tokens)
    yield "total", "average_tokens", str(found.average_tokens)
    sections = {
        "source": found.by_source,
        "folder": found.by_folder,
        "month": found.by_month,
        "uses": found.most_used,
        "versions": found.most_changed,
        "tag": found.tags,
    }
    for section, counts in sections.items():
        for name, number in counts:
            yield section, name, str(number)


_WIDTH = 100
_SHORT, _LONG = 5, 10
_TALL = 40
"""Lines of a terminal from which lists may be long and the chart high."""


def _draw_statistics(found: Statistics) -> None:
    screen = render.console()
    screen.width = min(screen.width, _WIDTH)
    rows = _LONG if screen.height >= _TALL else _SHORT
    _draw_totals(found)
    folders = tuple(Count(name or "(none)", n) for name, n in found.by_folder)
    sections = [
        ("Sources", found.by_source),
        ("Folders", folders),
        ("Most used", found.most_used),
        ("Most changed", found.most_changed),
    ]
    ...
