"""Aider's histories: what was typed, and not what Aider wrote in the same way."""

from datetime import datetime
from pathlib import Path

import pytest

from promptvault.importers.agents import aider
from promptvault.importers.input.candidate import CandidateKind, Item
from promptvault.importers.locations.agent import AIDER_CHATS, AIDER_INPUT
from tests.importers.build import bodies, candidates, document, imported, skipped

START = (
    "\n# aider chat started at 2026-07-17 09:00:00\n\n> Main model: gpt with diff  \n"
)
MADE = datetime(2026, 7, 17, 9).astimezone()


def typed(said: str) -> str:
    """Return *said* as Aider writes it."""
    return "\n#### " + "  \n#### ".join(said.split("\n")) + "  \n"


def read(text: str, name: str = "notes.md") -> list[Item]:
    found = document(text.encode(), name)
    assert aider.probe(found)
    return list(aider.read(found))


def entry(said: str, time: str = "2026-07-17 09:00:00.123456") -> str:
    """Return *said* as the history of the input has it."""
    return f"\n# {time}\n" + "".join(f"+{line}\n" for line in said.split("\n"))


def test_prompts_of_a_session() -> None:
    items = read(f"{START}{typed('one')}\nHi.\n{typed('two')}\nHo.\n")
    first, second = candidates(items)
    assert [first.drafts[0].body, second.drafts[0].body] == ["one", "two"]
    assert (first.opening, second.opening) == (True, False)
    assert first.drafts[0].created_at == MADE
    assert first.drafts[0].model == "gpt"
    assert first.conversation_id == second.conversation_id == "2026-07-17 09:00:00"
    assert first.drafts[0].message_id != second.drafts[0].message_id


def test_each_start_is_a_session() -> None:
    later = START.replace("07-17", "07-18")
    items = read(f"{START}{typed('one')}\n```\nopen\n{later}{typed('two')}{START}")
    assert [each.opening for each in candidates(items)] == [True, True]
    assert skipped(items)[-1] == {"empty conversation": 1}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_prompt_of_several_lines(end: str) -> None:
    said = "one\n\n```\n#### two\n```\n  three"
    text = f"{START}{typed(said)}\nHi.\n{typed('four')}"
    assert bodies(read(text.replace("\n", end))) == [said, "four"]


@pytest.mark.parametrize(
    "answer",
    [
        "```md\n#### no\n```",
        "```md\n\n#### no  \n\n```",
        "~~~~\n```\n#### no  \n~~~\n#### no  \n~~~~",
        "### Plan\n\n#### A heading\n\nText",
        "> #### no  \n",
    ],
)
def test_answers_that_look_like_prompts(answer: str) -> None:
    assert bodies(read(f"{START}{typed('one')}\n{answer}\n{typed('two')}")) == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    "after", ["> Tokens: 9 sent.", "> ^C again to exit", "> Applied edit to a.py"]
)
def test_an_answer_that_was_cut_off_in_a_code_block(after: str) -> None:
    text = f"{START}{typed('one')}\n```py\nx = 1\n\n{after}  \n{typed('two')}"
    assert bodies(read(text)) == ["one", "two"]


def test_lines_without_the_spaces_that_an_editor_removed() -> None:
    text = f"{START}{typed('one')}\nHi.\n{typed('two')}".replace("  \n", "\n")
    assert bodies(read(text)) == ["one", "two"]


def test_commands() -> None:
    said = [
        "/add a.py",
        "/run make test",
        "!ls",
        "/ask",
        "/clear",
        "<blank>",
        "/tmp/a b",
    ]
    items = read(START + "".join(map(typed, [*said, "/ask why?", "/code fix it"])))
    assert bodies(items) == ["/tmp/a b"]
    assert bodies(items, CandidateKind.COMMAND) == ["/ask why?", "/code fix it"]
    counts: dict[str, int] = {}
    for each in skipped(items):
        counts |= each
    assert counts == {"slash command": 4, "shell command": 1, "no text": 1}


@pytest.mark.parametrize(
    "said", ["/ask why?", "/architect rename it\nand test it", "/help how?"]
)
def test_what_a_command_sends_is_not_written_twice(said: str) -> None:
    text = START + typed(said) + typed(said.partition(" ")[2]) + typed("two")
    items = read(text)
    assert bodies(items, CandidateKind.COMMAND) == [said]
    assert bodies(items) == ["two"]


@pytest.mark.parametrize(
    "written",
    [
        "Add a.py to the chat? (Y)es/(N)o/(A)ll/(S)kip all [Yes]: all",
        "# Question: how?\n\n# Relevant docs: \n\n<doc>x</doc>",
        "Ok, please go ahead and make those changes.",
    ],
)
def test_what_aider_writes_as_if_it_was_typed(written: str) -> None:
    assert bodies(read(START + typed("one") + typed(written))) == ["one"]


def test_the_plan_that_is_sent_to_a_second_model() -> None:
    plan = "Change two places.\n\n#### First\n\n> a note\n\nRename it."
    asked = "> Tokens: 1k sent.  \n> Edit the files? (Y)es/(N)o [Yes]: y  \n"
    text = (
        f"{START}{typed('one')}\n{plan}\n\n{asked}{typed(plan)}\nDone.\n{typed('two')}"
    )
    assert bodies(read(text)) == ["one", "two"]


class TestInput:
    def test_entries(self) -> None:
        text = entry("one") + entry("two\nmore") + entry("y") + entry("/add a.py")
        items = read(text + entry("three", "2026-07-18 09:00:00"), AIDER_INPUT)
        found = candidates(items)
        assert [each.drafts[0].body for each in found] == ["one", "two\nmore", "three"]
        assert [each.opening for each in found] == [True, False, True]
        made = MADE.replace(microsecond=123456)
        assert found[0].drafts[0].created_at == made

    @pytest.mark.parametrize("tag", ["", "end"])
    def test_lines_between_braces_are_one_prompt(self, tag: str) -> None:
        lines = ["{" + tag, "one", "", "}", "two", tag + "}", "three"]
        if not tag:
            lines.remove("}")
        items = read("".join(map(entry, lines)), AIDER_INPUT)
        whole = "one\n\n}\ntwo" if tag else "one\n\ntwo"
        assert bodies(items) == [whole, "three"]

    def test_the_input_repeats_the_chats(self, tmp_path: Path) -> None:
        (tmp_path / AIDER_CHATS).write_text(START + typed("one\ntwo"))
        (tmp_path / AIDER_INPUT).write_text(entry("one\ntwo"))
        first, second = candidates(imported(tmp_path))
        assert first.drafts[0].message_id == second.drafts[0].message_id
        assert first.conversation_id == "2026-07-17 09:00:00"  # it comes first


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# How aider works\n\n#### A heading  \n", "aider.md"),
        ("# 2026-07-17 09:00:00\n+one\n", "history"),
        ("x\n", AIDER_INPUT),
    ],
)
def test_other_files_are_not_claimed(text: str, name: str) -> None:
    assert not aider.probe(document(text.encode(), name))
