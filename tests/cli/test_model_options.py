"""Every command that asks a model has the same options for model and budget."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from promptvault.cli import commands, program
from promptvault.cli.commands import COMMANDS

SHARED = {
    *("--model", "--base-url", "--api-key", "--no-cache", "--budget"),
    *("--own", "--hosted", "--dry-run", "--allow-secrets", "--json"),
}


def _leaves() -> Iterator[tuple[str, Any]]:
    for name in COMMANDS:
        command = program.load(name)
        below = getattr(command, "commands", None) or {"": command}
        for sub, leaf in below.items():
            yield f"{name} {sub}".strip(), leaf


def _options(leaf: Any) -> dict[str, Any]:
    return {option: each for each in leaf.params for option in each.opts}


ASKING = {name: leaf for name, leaf in _leaves() if "--model" in _options(leaf)}


@pytest.mark.parametrize("name", ASKING)
def test_options(name: str) -> None:
    assert SHARED - _options(ASKING[name]).keys() == set()


@pytest.mark.parametrize("option", sorted(SHARED - {"--dry-run", "--json"}))
def test_an_option_is_explained_alike_everywhere(option: str) -> None:
    found = {name: _options(leaf)[option] for name, leaf in ASKING.items()}
    texts = {name: (each.help, each.metavar) for name, each in found.items()}
    assert len(set(texts.values())) == 1, texts


def test_commands_that_open_a_model_are_among_them() -> None:
    """The test above would not see a command without --model."""
    modules = {
        info.name
        for info in pkgutil.iter_modules(commands.__path__)
        if "open_model" in _source(info.name)
    }
    asking = {COMMANDS[name.split()[0]].target.partition(":")[0] for name in ASKING}
    assert modules <= asking
    assert asking


def _source(name: str) -> str:
    module = importlib.import_module(f"{commands.__name__}.{name}")
    with open(str(module.__file__), encoding="utf-8") as file:
        return file.read()
