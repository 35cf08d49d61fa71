"""The table of commands is complete, and each command has help and `--json`."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from promptvault.cli import program
from promptvault.cli.commands import COMMANDS
from tests.conftest import Pvt

SILENT = {"help", "export", "backup", "serve", "mcp", "browse"}
SILENT |= {"server export", "server work"}
"""Commands that print nothing, or in a format of their own."""

CONTRACT = (
    "add get show list search pick edit set move copy delete trash log diff revert"
    " label import imports config"
).split()


def _leaves() -> Iterator[tuple[str, Any]]:
    for name in COMMANDS:
        try:
            command = program.load(name)
        except ImportError:
            continue  # test_every_entry_loads checks it
        yield from _below(name, command)


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    parts = getattr(command, "commands", None)
    if not parts:
        yield name, command
    for sub, part in (parts or {}).items():
        yield from _below(f"{name} {sub}", part)


LEAVES = dict(_leaves())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_entry_loads(name: str) -> None:
    assert program.load(name).name == name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_entry_has_a_line_of_help(name: str) -> None:
    entry = COMMANDS[name]
    assert entry.help.endswith(".")
    assert "\n" not in entry.help
    assert program.load(name).help


def test_the_contract_is_in_the_table() -> None:
    assert set(CONTRACT) <= COMMANDS.keys()


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_that_prints_knows_json(name: str) -> None:
    options = {option for each in LEAVES[name].params for option in each.opts}
    assert "--json" in options or name in SILENT


@pytest.mark.parametrize("name", LEAVES)
def test_every_parameter_is_explained(name: str) -> None:
    hidden = [p.name for p in LEAVES[name].params if getattr(p, "help", "") == ""]
    assert hidden == []


@pytest.mark.parametrize("name", sorted({*COMMANDS, *LEAVES}))
def test_every_command_answers_help(pvt: Pvt, name: str) -> None:
    result = pvt.ok(*name.split(), "--help")
    assert name.split()[-1] in result.text
    assert result.err == ""


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_program_lists_every_command(pvt: Pvt, option: str) -> None:
    text = pvt.ok(option).text
    assert [name for name in COMMANDS if f" {name} " not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_knows_the_short_help(pvt: Pvt, name: str) -> None:
    assert pvt.ok(name, "-h").text == pvt.ok(name, "--help").text


def test_completion_and_the_table_agree() -> None:
    group: Any = get_command(program.app)
    assert group.list_commands(None) == list(COMMANDS)
    assert all(group.get_command(None, name).name == name for name in COMMANDS)
