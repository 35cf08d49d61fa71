"""Output of `lint` and `stats`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.table import console, print_table
from promptvault.domain.name import leaf_of
from promptvault.services.prompts.lint import Finding, LintResult, Severity
from promptvault.vault.statistics import Count, Counts, Statistics

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from promptvault.cli.render.screen import Screen

_SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFO: "blue",
}


def print_lint(found: Sequence[LintResult], *, chosen: bool, notes: bool) -> None:
    """Print findings by prompt; with *chosen*, also the prompts without any.

    Without *notes*, findings of severity info are only counted.
    """
    if terminal.stdout_is_terminal():
        _draw_findings(found, chosen=chosen, notes=notes)
    else:
        lines = (_finding_line(f) for one in found for f in _shown(one, notes=notes))
        print_table((), lines, "")
    terminal.note(_summary(found, notes=notes))


def _shown(linted: LintResult, *, notes: bool) -> list[Finding]:
    return [f for f in linted.findings if notes or f.severity is not Severity.INFO]


def _finding_line(finding: Finding) -> tuple[str, ...]:
    line = str(finding.line or "")
    return finding.prompt, line, finding.severity, finding.code, finding.message


def _draw_findings(found: Sequence[LintResult], *, chosen: bool, notes: bool) -> None:
    from promptvault.cli.render.screen import text

    screen = console()
    for linted in found:
        shown = _shown(linted, notes=notes)
        if not shown and not chosen:
            continue
        heading = text(linted.name, "bold cyan")
        length = f"  about {_count(linted.tokens, 'token')}"
        heading.append(length, "dim not bold default")
        screen.print(heading)
        screen.print(_finding_table(shown) if shown else text("  nothing found", "dim"))
        screen.print()


def _finding_table(findings: Iterable[Finding]) -> "Table":
    from rich.table import Table

    from promptvault.cli.render.screen import text

    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(width=9)
    drawn.add_column(style="dim", justify="right", width=4)
    drawn.add_column(overflow="fold")
    for finding in findings:
        severity = text(f"  {finding.severity}", _SEVERITY_STYLES[finding.severity])
        message = text(finding.message).append(f"  {finding.code}", "dim")
        drawn.add_row(severity, str(finding.line or ""), message)
    return drawn


def _summary(found: Sequence[LintResult], *, notes: bool) -> str:
    shown = [finding for linted in found for finding in _shown(linted, notes=notes)]
    total = sum(len(linted.findings) for linted in found)
    more = total - len(shown)
    hint = f" --all lists {more:,} of severity info too." if more else ""
    prompts = _count(len(found), "prompt")
    if not shown:
        return f"No mistakes in {prompts}.{hint}"
    nouns = dict(zip(Severity, ("error", "warning", "info"), strict=True))
    counts = Counter(finding.severity for finding in shown)
    parts = [_count(counts[s], nouns[s]) for s in Severity if counts[s]]
    flawed = len({finding.prompt for finding in shown})
    return f"{', '.join(parts)} in {flawed:,} of {prompts}.{hint}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_statistics(found: Statistics) -> None:
    """Draw the numbers of the vault; in a pipe, print a line for each number."""
    if not terminal.stdout_is_terminal():
        print_table((), _statistics_lines(found), "")
    elif found.totals.prompts:
        _draw_statistics(found)
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
        "vault": found.by_vault,
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


_WIDE, _MAX_WIDTH = 70, 100
_OTHER_LINES = 16
"""Lines of the screen that `stats` needs besides its two rows of lists."""
_NUMBER = 7
"""The width of a number, up to 999,999."""
_CHART_LINES = 3
_MIN_MONTHS, _MAX_MONTHS = 12, 24
_ACROSS, _UPWARD = " ▏▎▍▌▋▊▉█", " ▁▂▃▄▅▆▇█"
"""Blocks of zero to eight eighths."""


def _draw_statistics(found: Statistics) -> None:
    screen = console()
    screen.width = min(screen.width, _MAX_WIDTH)
    folders = tuple(Count(name or "(none)", number) for name, number in found.by_folder)
    _draw_totals(screen, found)
    _draw_lists(screen, 14, {"Vaults": found.by_vault})
    _draw_lists(screen, 14, {"Sources": found.by_source, "Folders": folders})
    _draw_months(screen, found.by_month)
    prompts = {"Most used": found.most_used, "Most versions": found.most_changed}
    _draw_lists(screen, 6, prompts)
    _draw_tags(screen, found.tags)


def _draw_totals(screen: "Screen", found: Statistics) -> None:
    from promptvault.cli.render.screen import text

    totals = found.totals
    line = text(_count(totals.prompts, "prompt"), "bold cyan")
    others = {
        _count(totals.versions, "version"): totals.versions,
        _count(totals.templates, "template"): totals.templates,
        _count(totals.favourites, "favourite"): totals.favourites,
        _count(totals.imports, "import"): totals.imports,
        f"{totals.trashed:,} in the trash": totals.trashed,
    }
    for other, number in others.items():
        if number:
            line.append(f"   {other}", "default not bold")
    screen.print(line)
    average = f"about {_count(found.average_tokens, 'token')} each"
    screen.print(text(f"{average}, {found.tokens:,} in all", "dim"))


def _draw_lists(screen: "Screen", bar: int, lists: Mapping[str, Counts]) -> None:
    """Draw lists, side by side if there is room, with bars of at most *bar* cells."""
    from rich.table import Table

    limit = max(3, min(10, (screen.height - _OTHER_LINES) // 2))
    side_by_side = screen.width >= _WIDE
    width = screen.width // (2 if side_by_side else 1)
    room = max(_NUMBER, width - bar - _NUMBER - 4)
    drawn = [
        _bars(title, counts, limit, room, bar)
        for title, counts in lists.items()
        if counts
    ]
    for together in [drawn] if side_by_side else [[one] for one in drawn]:
        if together:
            grid = Table.grid(padding=(0, 3, 0, 0))
            grid.add_row(*together)
            screen.print()
            screen.print(grid)


def _bars(title: str, counts: Counts, limit: int, room: int, bar: int) -> "Table":
    from rich.table import Table

    from promptvault.cli.render.screen import text

    drawn = Table.grid(padding=(0, 1, 0, 0))
    drawn.add_column(no_wrap=True, overflow="ellipsis", width=room)
    drawn.add_column(style="green", width=bar)
    drawn.add_column(justify="right", width=_NUMBER)
    drawn.add_row(text(title, "bold"))
    top = max(count.number for count in counts)
    shown = counts if len(counts) <= limit else counts[: limit - 1]
    for name, number in shown:
        drawn.add_row(_fitted(name, room), _bar(number / top, bar), f"{number:,}")
    if len(shown) < len(counts):
        drawn.add_row(text(f"and {len(counts) - len(shown):,} more", "dim"))
    return drawn


def _fitted(name: str, room: int) -> "Text":
    """Return *name*, or only its last part if it is wider than *room* cells."""
    from promptvault.cli.render.screen import text

    whole = text(name)
    fits = whole.cell_len <= room or "/" not in name
    return whole if fits else text(f"…/{leaf_of(name)}")


def _bar(part: float, width: int) -> str:
    """Return a bar of *part* (0 to 1) of *width*; never nothing."""
    eighths = max(1, round(part * width * 8))
    return _ACROSS[8] * (eighths // 8) + _ACROSS[eighths % 8].strip()


def _draw_months(screen: "Screen", by_month: Counts) -> None:
    from promptvault.cli.render.screen import text

    limit = max(_MIN_MONTHS, min(_MAX_MONTHS, screen.width // 3))
    months = _months(by_month, limit)
    top = max(months, key=lambda count: count.number)
    screen.print()
    heading = text("Months", "bold")
    heading.append(f"  at most {top.number:,}, in {top.name}", "dim not bold")
    screen.print(heading)
    for line in _columns([count.number / top.number for count in months]):
        screen.print(text(line, "green"))
    screen.print(text(_year_labels(months), "dim"))


def _months(by_month: Counts, limit: int) -> list[Count]:
    """Return the last months up to the latest with prompts, empty ones too."""
    known = dict(by_month)
    first, latest = (_month_number(by_month[end].name) for end in (0, -1))
    span = max(_MIN_MONTHS, latest + 1 - first)
    start = latest + 1 - min(limit, span)
    names = (f"{n // 12:04}-{n % 12 + 1:02}" for n in range(start, latest + 1))
    return [Count(name, known.get(name, 0)) for name in names]


def _month_number(name: str) -> int:
    year, month = map(int, name.split("-"))
    return year * 12 + month - 1


def _columns(parts: Sequence[float]) -> Iterator[str]:
    """Yield the lines of a chart with a column for each of *parts* (0 to 1)."""
    heights = [max(part > 0, round(part * _CHART_LINES * 8)) for part in parts]
    for line in reversed(range(_CHART_LINES)):
        eighths = (min(8, max(0, height - line * 8)) for height in heights)
        yield "".join(_UPWARD[eighth] * 2 + " " for eighth in eighths)


def _year_labels(months: Sequence[Count]) -> str:
    """Return the line under the chart: each year under its first month there."""
    labels = ""
    for index, month in enumerate(months):
        starts = month.name.endswith("-01") or index == 0
        if starts and not (index == 0 and months[1].name.endswith("-01")):
            labels = labels.ljust(index * 3) + month.name[:4]
    return labels


def _draw_tags(screen: "Screen", tags: Counts) -> None:
    from promptvault.cli.render.screen import text

    if not tags:
        return
    line = text("Tags", "bold")
    for name, number in tags:
        line.append(text(f"  {name}", "default not bold"))
        line.append(f" {number:,}", "dim not bold")
    screen.print()
    screen.print(line)
