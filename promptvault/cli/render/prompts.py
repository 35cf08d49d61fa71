"""Output of the commands about prompts, versions and settings."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.context import current_vault
from promptvault.cli.render.format import (
    format_count,
    format_day,
    format_time,
    format_zoned_time,
)
from promptvault.cli.render.table import Column, console, print_table
from promptvault.domain.prompt import Prompt, Version
from promptvault.home import full_name
from promptvault.services.prompts.outcome import Saved
from promptvault.services.prompts.retrieval import ResolvedPrompt
from promptvault.vault.search import HIT_END, HIT_START, Hit

if TYPE_CHECKING:
    from promptvault.config import Setting
    from promptvault.services.health.doctor import Diagnosis


def print_prompts(found: Iterable[Prompt], folder: str | None) -> None:
    """Print a list of prompts."""
    columns = (
        Column("Name", "cyan"),
        Column("Title", flexible=True),
        Column("Tags", "dim"),
        Column("Ver", "dim", numeric=True),
        Column("Updated", "dim", wrap=False),
    )
    where = f" in {folder!r}" if folder else ""
    hint = "Save one with 'promptvault add', or import chats: 'promptvault import'."
    marks: set[str] = set()
    lines = (_prompt_line(prompt, marks) for prompt in found)
    print_table(columns, lines, f"There are no prompts{where}. {hint}")
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
        format_day(prompt.updated_at),
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


def draw_hits(found: Sequence[Hit]) -> None:
    """Draw search hits, each with the matching text."""
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


def print_details(shown: ResolvedPrompt) -> None:
    """Print the details of a prompt, then its text."""
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


def _facts(shown: ResolvedPrompt) -> Iterator[tuple[str, str]]:
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
        time = f", {format_time(origin.created_at)}" if origin.created_at else ""
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
        yield "used", f"{prompt.uses} times, last {format_time(prompt.used_at)}"


def _sync_facts(prompt: Prompt) -> Iterator[tuple[str, str]]:
    if prompt.in_conflict:
        yield "conflict", f"promptvault conflicts resolve {prompt.name}"
    if prompt.hold and not prompt.is_held_back:
        yield "sync", f"held back ({prompt.hold}): 'promptvault sync status'"


def _version_line(prompt: Prompt, version: Version) -> str:
    labels = [name for name, n in prompt.labels.items() if n == version.number]
    named = f" [{', '.join(labels)}]" if labels else ""
    of = f" of {prompt.versions}" if prompt.versions > 1 else ""
    return f"{version.number}{of}{named}, {format_time(version.created_at)}"


def _variable_line(shown: ResolvedPrompt) -> Iterator[str]:
    for variable in shown.variables:
        default = "" if variable.default is None else f"={variable.default}"
        yield variable.name + default


def print_versions(prompt: Prompt, found: Sequence[Version]) -> None:
    """Print the versions of a prompt in the order given."""
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
            format_zoned_time(version.created_at),
            version.author.name,
            version.message + "".join(named.get(version.number, ())),
        )
        for version in found
    )
    print_table(columns, lines, "")


_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_diff(lines: Iterable[str]) -> None:
    """Print a unified diff; a pipe gets the exact lines, so that it can be applied."""
    if not terminal.has_colour(terminal.stdout_is_terminal()):
        for line in lines:
            terminal.write_text(line + "\n")
        return
    from promptvault.cli.render.screen import text

    screen = console()
    for line in lines:
        bold = "bold" if line.startswith(("+++", "---")) else ""
        screen.print(text(line, bold or _DIFF_STYLES.get(line[:1], "")), soft_wrap=True)


def report_saved(results: Sequence[Saved], vault: str | None = None) -> None:
    """Report the results of a change on stderr, in this vault or in another one."""
    for result in results[:10]:
        prompt = result.prompt
        verb = result.outcome.value.capitalize()
        name = full_name(vault or current_vault(), prompt.name)
        terminal.note(f"{verb} {name} (version {prompt.version}).")
        if prompt.is_held_back:
            terminal.note(
                f"  It stays in this vault, because it seems to hold a secret"
                f" ({', '.join(prompt.secrets)}): 'redact' it, or 'set"
                f" {name} --allow-secrets'."
            )
    if len(results) > 10:
        terminal.note(f"… and {len(results) - 10} more.")


def report_label(prompt: Prompt, label: str) -> None:
    """Report on stderr which version of *prompt* has *label* now."""
    number = prompt.labels.get(label)
    name = full_name(current_vault(), prompt.name)
    if number is None:
        terminal.note(f"{name} no longer has the label {label!r}.")
    else:
        terminal.note(f"{name}@{number} is {label}.")


def print_trash(found: Iterable[Prompt]) -> None:
    """Print the prompts in the trash, in the order given."""
    columns = (Column("Name", "cyan"), Column("Title"), Column("Deleted", "dim"))
    lines = ((p.name, p.title, format_time(p.deleted_at)) for p in found)
    print_table(columns, lines, "The trash is empty.")


_SHOWN_PROBLEMS = 20


def print_diagnosis(found: "Diagnosis", vault: str | None = None) -> None:
    """Print the problems that `doctor` found, with the vault if it checked several."""
    state = "repaired" if found.repaired else "remedy"
    column, start = (f"{vault}\t", f"{vault}: ") if vault else ("", "")
    for problem in found.problems[:_SHOWN_PROBLEMS]:
        terminal.show(f"{column}{problem.part.value}\t{problem.message}\t")
        terminal.show(f"({state}: {problem.remedy})\n")
    more = len(found.problems) - _SHOWN_PROBLEMS
    if more > 0:
        terminal.write(f"{column}and {more:,} more; --json lists them all\n")
    versions = format_count(found.versions, "version")
    held = f"{format_count(found.prompts, 'prompt')}, {versions}"
    if not found.problems or found.repaired:
        terminal.note(f"{start}{held}: database, index and history agree.")
    else:
        option = f" --vault {vault}" if vault else ""
        terminal.note(f"{start}'promptvault doctor --repair{option}' repairs this.")


def print_settings(found: Iterable["Setting"]) -> None:
    """Print settings with their values and sources."""
    headings = (("Key", "cyan"), ("Value", ""), ("From", "dim"), ("What it is", "dim"))
    columns = [Column(heading, style) for heading, style in headings]
    lines = ((s.key.name, s.shown, s.source.value, s.key.help) for s in found)
    print_table(columns, lines, "")
