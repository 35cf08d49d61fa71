"""Applying proposals: all in one change, and none that is outdated."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from promptvault.domain.prompt import Content, Details, Prompt
from promptvault.errors import AlreadyExistsError
from promptvault.paths import resolve
from promptvault.services.categories.categorize import apply_proposals
from promptvault.services.categories.proposal import CategoryProposal, Proposer
from promptvault.services.prompts.edit import (
    add_prompt,
    change_details,
    delete_prompts,
    move_prompts,
)
from promptvault.services.prompts.prompt_document import DetailChanges, PromptDocument
from promptvault.services.workspace import Workspace
from tests.conftest import AUTHOR, NOON, Git, Vault


@pytest.fixture
def workspace(home: Path) -> Workspace:
    """Return a vault whose clock advances a second at each look."""
    times = iter(NOON + timedelta(seconds=n) for n in range(1000))
    paths = resolve({"PROMPTVAULT_HOME": str(home)}, os.getcwd)
    return Workspace(paths, lambda: next(times), lambda: AUTHOR, lambda: None)


def save(workspace: Workspace, name: str) -> Prompt:
    return add_prompt(
        workspace, name, PromptDocument(Content(name), DetailChanges()), DetailChanges()
    ).prompt


def change(prompt: Prompt, name: str, title: str = "") -> CategoryProposal:
    return CategoryProposal(prompt, name, Details(title=title), Proposer.RULE)


def test_what_changed_meanwhile_is_left_alone(workspace: Workspace) -> None:
    one, two, three = (save(workspace, name) for name in ("one", "two", "three"))
    move_prompts(workspace, "one", "moved/one")
    change_details(workspace, "two", DetailChanges(title="Mine"))
    proposals = [change(each, f"filed/{each.name}") for each in (one, two, three)]
    done = apply_proposals(workspace, proposals)
    assert [prompt.name for prompt in done.prompts] == ["filed/three"]
    assert done.skipped == 2


def test_a_name_taken_meanwhile_gets_a_number(workspace: Workspace) -> None:
    one = save(workspace, "one")
    save(workspace, "filed/one")
    done = apply_proposals(workspace, [change(one, "filed/one")])
    assert [prompt.name for prompt in done.prompts] == ["filed/one-2"]


def test_nothing_to_apply_writes_nothing(workspace: Workspace, git: Git) -> None:
    one = save(workspace, "one")
    commits = git("log", "--oneline")
    delete_prompts(workspace, ["one"])
    after = git("log", "--oneline")
    assert apply_proposals(workspace, [change(one, "filed/one")]).skipped == 1
    assert git("log", "--oneline") == after != commits


@pytest.mark.parametrize("keep_time", [True, False])
def test_the_time_of_change(workspace: Workspace, keep_time: bool) -> None:
    one = save(workspace, "one")
    done = apply_proposals(
        workspace, [change(one, "filed/one", "One")], keep_time=keep_time
    )
    assert (done.prompts[0].updated_at == one.updated_at) is keep_time


def test_describe_swaps_names_and_refuses_taken_ones(vault: Vault) -> None:
    with vault.writing() as repository:
        one, two, _ = (
            repository.add(name, Content(name), Details(), "m") for name in "abc"
        )
        swapped = repository.describe(
            [(one, "b", one.details), (two, "a", Details(title="A"))], "Swap"
        )
        assert [(p.name, p.title) for p in swapped] == [("b", ""), ("a", "A")]
    with vault.writing() as repository, pytest.raises(AlreadyExistsError):
        repository.describe([(repository.reader.get("a"), "c", Details())], "Take")
    with vault.reading() as reader:
        assert reader.get("a").title == "A"
