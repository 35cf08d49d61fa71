"""Drawing for people: prompts, versions, hits, settings, and words for numbers."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.table import Column, console, table
from promptvault.domain.prompt import Prompt, Version
from promptvault.services.prompts.outcome import Saved
from promptvault.services.prompts.retrieval import Details
from promptvault.vault.search import HIT_END, HIT_START, Hit

if TYPE_CHECKING:
    from promptvault.config import Setting
    from promptvault.services.health.doctor import Diagnosis


def prompts(found: Iterable[Prompt], folder: str | None) -> None:
    """Print a list of prompts."""
    columns = (
        Column("Name", "cyan"),
        Column("Title", flexible=True),
        Column("Tags", "dim"),
        Column("Ver", "dim", numeric=True),
        Column("Updated", "dim", wrap=False),
    )
    where = f" in {folder!r}" if folder else ""
    hint = "Save one with 'promptvault add', or bring your chats: 'promptvault import'."
    marks: set[str] = set()
    lines = (_prompt_line(prompt, marks) for prompt in found)
    table(columns, lines, f"There are no prompts{where}. {hint}")
    if terminal.stdout_is_terminal():
        for mark in sorted(marks & _LEGEND.keys()):
            terminal.note(f"{mark} {_LEGEND[mark]}")


_LEGEND = {
    "!": "in conflict: 'promptvault conflicts list'",
    "^": "not on the server: 'promptvault sync status'",
    "⚠": "a likely secret: 'promptvault scan'",
}


def _prompt_line(prompt: Prompt, marks: set[str]) -> tuple[str, ...]:
    own = list(_marks(prompt))
    marks.update(own)
    return (
        prompt.name,
        " ".join((*own, prompt.title)),
        " ".join(prompt.tags),
        str(prompt.version),
        day(prompt.updated_at),
    )


def _marks(prompt: Prompt) -> Iterator[str]:
    if prompt.in_conflict:
        yield "!"
    if prompt.is_held_back:
        yield "⚠"
    elif prompt.hold:
        yield "^"
    if prompt.favourite:
        yield "★"


def day(time: datetime | None) -> str:
    """Return a time's day where the reader lives."""
    return time.astimezone().strftime("%Y-%m-%d") if time else ""


def zoned_moment(time: datetime) -> str:
    """Return a time where the reader lives, with the offset, as '@TIME' takes it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M %z}"


def moment(time: datetime | None) -> str:
    """Return a time where the reader lives, to the minute."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M") if time else ""


def hits(found: Sequence[Hit]) -> None:
    """Draw search hits, each with the place that matched."""
    from rich.padding import Padding

    from promptvault.cli.render.screen import text

    if not found:
        return terminal.note("Nothing found.")
    screen = console()
    for hit in found:
        heading = text(hit.prompt.name, "bold cyan")
        if hit.prompt.title:
            heading.append(text(f"  {hit.prompt.title}", "default not bold"))
        screen.print(heading)
        line = text("")
        for index, part in enumerate(hit.snippet.split(HIT_START)):
            marked, _, rest = part.rpartition(HIT_END)
            line.append(text(marked, "bold yellow" if index else ""))
            line.append(text(rest, "dim"))
        screen.print(Padding(line, (0, 0, 0, 2)))
    return None


def details(shown: Details) -> None:
    """Print a prompt: what is known of it, then its text."""
    from rich.rule import Rule
    from rich.table import Table

    from promptvault.cli.render.screen import text

    prompt, version = shown.prompt, shown.version
    screen = console()
    star = "★ " if prompt.favourite else ""
    screen.print(text(f"{star}{prompt.title or prompt.name}", "bold cyan"))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    for key, value in _facts(shown):
        facts.add_row(key, text(value))
    screen.print(facts)
    screen.print(Rule(style="dim") if terminal.stdout_is_terminal() else "")
    body = version.body.replace("\r\n", "\n")
    screen.print(text(body), soft_wrap=not terminal.stdout_is_terminal())


def _facts(shown: Details) -> Iterator[tuple[str, str]]:
    prompt, version = shown.prompt, shown.version
    yield "name", prompt.name
    if prompt.description:
        yield "about", prompt.description
    if prompt.tags:
        yield "tags", ", ".join(prompt.tags)
    yield "version", _version_line(prompt, version)
    if version.content.template:
        names = ", ".join(_variable_line(shown)) or "none"
        yield "template", f"variables: {names}"
    chats = {(o.source, o.conversation_id, o.url): o for o in shown.origins}
    for origin in list(chats.values())[:3]:
        title = f" “{origin.conversation_title}”" if origin.conversation_title else ""
        model = f", {origin.model}" if origin.model else ""
        time = f", {moment(origin.created_at)}" if origin.created_at else ""
        yield "from", f"{origin.source}{title}{model}{time}"
        if origin.url:
            yield "", origin.url
    if len(chats) > 3:
        yield "", f"and {len(chats) - 3} more conversations"
    if prompt.secrets:
        state = "held back" if prompt.is_held_back else "allowed"
        yield "secrets", f"{', '.join(prompt.secrets)} ({state})"
    yield from _sync_facts(prompt)
    if prompt.uses:
        yield "used", f"{prompt.uses} times, last {moment(prompt.used_at)}"


def _sync_facts(prompt: Prompt) -> Iterator[tuple[str, str]]:
    if prompt.in_conflict:
        yield "conflict", f"promptvault conflicts resolve {prompt.name}"
    if prompt.hold and not prompt.is_held_back:
        yield "sync", f"held back ({prompt.hold}): 'promptvault sync status'"


def _version_line(prompt: Prompt, version: Version) -> str:
    labels = [name for name, n in prompt.labels.items() if n == version.number]
    named = f" [{', '.join(labels)}]" if labels else ""
    of = f" of {prompt.versions}" if prompt.versions > 1 else ""
    return f"{version.number}{of}{named}, {moment(version.created_at)}"


def _variable_line(shown: Details) -> Iterator[str]:
    for variable in shown.variables:
        default = "" if variable.default is None else f"={variable.default}"
        yield variable.name + default


def versions(prompt: Prompt, found: Sequence[Version]) -> None:
    """Print a prompt's versions, newest first; the current one, if not the newest."""
    columns = (
        Column("Version", "cyan", numeric=True),
        Column("Commit", "yellow", wrap=False),
        Column("When", "dim", wrap=False),
        Column("Author", wrap=False),
        Column("Message"),
    )
    named: dict[int, list[str]] = {}
    for name, number in prompt.labels.items():
        named.setdefault(number, []).append(f" [{name}]")
    if prompt.version < prompt.versions:
        named.setdefault(prompt.version, []).append(" (current)")
    lines = (
        (
            str(version.number),
            (version.commit or "")[:10],
            zoned_moment(version.created_at),
            version.author.name,
            version.message + "".join(named.get(version.number, ())),
        )
        for version in found
    )
    table(columns, lines, "")


_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def difference(lines: Iterable[str]) -> None:
    """Print a unified diff: to a pipe as it is, so that it can be applied."""
    if not terminal.has_colour(terminal.stdout_is_terminal()):
        for line in lines:
            terminal.write_text(line + "\n")
        return
    from promptvault.cli.render.screen import text

    screen = console()
    for line in lines:
        bold = "bold" if line.startswith(("+++", "---")) else ""
        screen.print(text(line, bold or _DIFF_STYLES.get(line[:1], "")), soft_wrap=True)


def saved(results: Sequence[Saved]) -> None:
    """Tell what a change did, on stderr: stdout is for data."""
    for result in results[:10]:
        prompt = result.prompt
        verb = result.outcome.value.capitalize()
        terminal.note(f"{verb} {prompt.name} (version {prompt.version}).")
        if prompt.is_held_back:
            terminal.note(
                f"  It stays in this vault, as it seems to hold a secret"
                f" ({', '.join(prompt.secrets)}): 'redact' it, or 'set"
                f" {prompt.name} --allow-secrets'."
            )
    if len(results) > 10:
        terminal.note(f"… and {len(results) - 10} more.")


def labelled(prompt: Prompt, label: str) -> None:
    """Tell, on stderr, which version of *prompt* bears *label* now."""
    number = prompt.labels.get(label)
    if number is None:
        terminal.note(f"{prompt.name} has no label {label!r} any more.")
    else:
        terminal.note(f"{prompt.name}@{number} is {label}.")


def trash(found: Iterable[Prompt]) -> None:
    """Print what the trash holds, latest first."""
    columns = (Column("Name", "cyan"), Column("Title"), Column("Deleted", "dim"))
    lines = ((p.name, p.title, moment(p.deleted_at)) for p in found)
    table(columns, lines, "The trash is empty.")


def count(number: int, noun: str) -> str:
    """Return a number with its noun, as "2 prompts"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Return a number of bytes in the unit that fits it."""
    if number < 1000:
        return f"{number} B"
    amount = number / 1000
    for unit in ("kB", "MB"):
        if amount < 1000:
            return f"{amount:,.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


_SHOWN_PROBLEMS = 20


def diagnosis(found: "Diagnosis") -> None:
    """Print what the doctor found."""
    did = "mended" if found.repaired else "remedy"
    for problem in found.problems[:_SHOWN_PROBLEMS]:
        terminal.show(f"{problem.part.value}\t{problem.message}\t")
        terminal.show(f"({did}: {problem.remedy})\n")
    more = len(found.problems) - _SHOWN_PROBLEMS
    if more > 0:
        terminal.write(f"and {more:,} more; --json lists them all\n")
    held = f"{count(found.prompts, 'prompt')}, {count(found.versions, 'version')}"
    if not found.problems or found.repaired:
        terminal.note(f"{held}: database, index and history agree.")
    else:
        terminal.note("'promptvault doctor --repair' mends this.")


def settings(found: Iterable["Setting"]) -> None:
    """Print settings with where each value comes from."""
    headings = (("Key", "cyan"), ("Value", ""), ("From", "dim"), ("What it is", "dim"))
    columns = [Column(heading, style) for heading, style in headings]
    lines = ((s.key.name, s.shown, s.place.value, s.key.help) for s in found)
    table(columns, lines, "")
