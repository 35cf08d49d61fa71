"""`help`: the topics of the handbook, and what `--help` prints of a command."""

import contextlib
import io
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands import COMMANDS
from promptvault.cli.pager import paged
from promptvault.cli.program import app, load
from promptvault.errors import NotFoundError

_FOLDER = Path(__file__).parents[2] / "help"
_INDEX = "README"
"""The file that lists the topics; a code host shows it with the folder."""
_GROUP = re.compile(r"\| (\w[^|]*) \| \|")
_ROW = re.compile(r"\| \[([\w-]+)\]\(\1\.md\) \| (.+) \|")
_COMMENT = re.compile(r"^<!--.*?-->\n", re.DOTALL | re.MULTILINE)
"""What tests read in the Markdown, and no person."""


class Topic(NamedTuple):
    """A row of the index."""

    name: str
    title: str
    group: str


def _complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer topics and commands; after a command, its subcommands."""
    if before := ctx.params.get("words"):
        command = _find_command(before)
        below = getattr(command, "commands", {})
        return [(name, part.get_short_help_str()) for name, part in below.items()]
    known = {topic.name: topic.title for topic in topics()}
    offered = {name: entry.help for name, entry in COMMANDS.items()} | known
    return [pair for pair in offered.items() if pair[0].startswith(incomplete)]


def help_(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC|COMMAND]...",
            autocompletion=_complete,
            help="As 'import', 'show' or 'config set'; without it, everything there is"
            " is listed.",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Read about a topic, or about a command and its options.

    If both have that name, you read about the topic.
    """
    if not words:
        return _show_index(as_json=as_json)
    topic = next((each for each in topics() if [each.name] == words), None)
    if topic:
        return _show_topic(topic, as_json=as_json)
    command = _find_command(words)
    if command is None:
        raise NotFoundError(_unknown(" ".join(words)))
    return _show_command(words, command, as_json=as_json)


def topics() -> list[Topic]:
    """Return the topics in the order of the index."""
    return list(_topics(_read(_INDEX)))


def _topics(index: str) -> Iterator[Topic]:
    group = ""
    for line in index.splitlines():
        if found := _GROUP.fullmatch(line):
            group = found[1]
        elif found := _ROW.fullmatch(line):
            yield Topic(found[1], found[2], group)


def _read(name: str) -> str:
    """Return a file's Markdown, without the comments for tests."""
    text = (_FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return _COMMENT.sub("", text)


def _show_index(*, as_json: bool) -> None:
    if as_json:
        commands = [
            {"command": name, "title": entry.help, "group": entry.panel}
            for name, entry in COMMANDS.items()
        ]
        found = [
            {"topic": topic.name, "title": topic.title, "group": topic.group}
            for topic in topics()
        ]
        terminal.write_json({"topics": found, "commands": commands})
    else:
        _show(f"{_read(_INDEX)}\n## Commands\n{_command_tables()}")


def _command_tables() -> str:
    lines = []
    for panel, entries in groupby(COMMANDS.items(), lambda item: item[1].panel):
        lines += ["", f"| {panel} | |", "|---|---|"]
        lines += [f"| `{name}` | {entry.help} |" for name, entry in entries]
    return "\n".join([*lines, ""])


def _show_topic(topic: Topic, *, as_json: bool) -> None:
    text = _read(topic.name)
    if topic.name in COMMANDS:
        text += f"\nThe options of the command: `promptvault {topic.name} --help`.\n"
    if as_json:
        terminal.write_json({"topic": topic.name, "title": topic.title, "text": text})
    else:
        _show(text)


def _show(markdown: str) -> None:
    with paged():
        if terminal.stdout_is_terminal():
            from promptvault.cli.render import markdown as render  # rich, 50 ms

            render.markdown(markdown)
        else:
            terminal.show(markdown)


def _find_command(words: list[str]) -> Any:
    """Return the command, or the subcommand, that *words* name; None for none."""
    if words[0] not in COMMANDS:
        return None
    command = load(words[0])
    for word in words[1:]:
        command = getattr(command, "commands", {}).get(word)
    return command


def _show_command(words: list[str], command: Any, *, as_json: bool) -> None:
    arguments = [*words, "--help"]
    if as_json:
        terminal.choose_colour("never")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            app(arguments, standalone_mode=False)
        title = command.get_short_help_str(limit=200)
        row = {"topic": " ".join(words), "title": title, "text": printed.getvalue()}
        terminal.write_json(row)
    else:
        with paged():
            app(arguments, standalone_mode=False)


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # for a mistake alone

    known = [*COMMANDS, *(topic.name for topic in topics())]
    similar = get_close_matches(name.lower(), dict.fromkeys(known), n=1)
    guess = f" Did you mean {similar[0]!r}?" if similar else ""
    return f"There is no topic or command {name!r}.{guess} Try 'promptvault help'."
