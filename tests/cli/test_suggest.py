"""`suggest`: what a vault lacks, and the commands that add it."""

import os
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Pvt
from tests.contracts.test_start_up import LEAN, loaded_by

KEY = "-----BEGIN RSA PRIVATE KEY-----"
MAIL = "Write a friendly mail to the landlord: a new {} by {}, in 80 words at most."


@pytest.fixture(autouse=True)
def empty_computer(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder in which no tool keeps prompts."""
    folder = tmp_path / "somebody"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in (
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "CLAUDE_CONFIG_DIR",
        "WSL_DISTRO_NAME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


def suggestions(pvt: Pvt, *arguments: str) -> list[dict[str, Any]]:
    """Return what is suggested, as scripts read it."""
    found: list[dict[str, Any]] = pvt.ok("suggest", "--json", *arguments).json[
        "suggestions"
    ]
    return found


def only(pvt: Pvt, kind: str) -> dict[str, Any]:
    """Return the one suggestion of *kind*."""
    (found,) = suggestions(pvt, "--kind", kind)
    assert found["kind"] == kind
    assert found["reason"].endswith(".")
    return found


def typed(pvt: Pvt, suggestion: dict[str, Any]) -> None:
    """Type the command of a suggestion into a shell."""
    program, *arguments = shlex.split(suggestion["command"])
    assert program == "promptvault"
    assert arguments == suggestion["arguments"]
    pvt.ok(*arguments)


def use(pvt: Pvt, name: str, times: int = 3) -> None:
    """Use a prompt."""
    for _ in range(times):
        pvt.ok("get", name)


def test_an_empty_vault_says_how_to_begin(pvt: Pvt) -> None:
    assert pvt.ok("suggest", "--json").json == {
        "prompts": 0,
        "compared": 0,
        "suggestions": [],
    }
    assert pvt.ok("suggest").out == b""


def test_what_lies_on_this_computer(pvt: Pvt, empty_computer: Path) -> None:
    folder = empty_computer / ".claude" / "commands"
    folder.mkdir(parents=True)
    (folder / "tidy up.md").write_text("Tidy up this file, and say what you did.\n")
    found = only(pvt, "import")
    assert "never imported" in found["reason"]
    typed(pvt, found)
    assert suggestions(pvt, "--kind", "import") == []
    (folder / "test.md").write_text("Write tests for this function.\n")
    later = time.time() + 60
    os.utime(folder / "test.md", (later, later))
    assert "has changed" in only(pvt, "import")["reason"]


def test_prompts_that_are_alike(pvt: Pvt) -> None:
    for name, what in [("boiler", "May"), ("door", "June"), ("lamp", "July")]:
        pvt.ok("add", f"mail/{name}", MAIL.format(name, what))
    found = only(pvt, "alike")
    assert set(found["prompts"]) == {"mail/boiler", "mail/door", "mail/lamp"}
    assert "“June”" in found["reason"]
    use(pvt, "mail/door")
    kinds = [each["kind"] for each in suggestions(pvt)]
    assert kinds == ["alike", "describe", "describe"]
    typed(pvt, found)
    assert suggestions(pvt, "--kind", "alike") == []


def test_what_is_alike_but_no_template_is_not_suggested(pvt: Pvt) -> None:
    words = "one two three four five six seven eight nine ten".split()
    for name in "ab":
        text = " ".join(
            f"Rule {word} says {name}{word} for all of us." for word in words
        )
        pvt.ok("add", name, text)
    assert suggestions(pvt, "--kind", "alike") == []


def test_duplicates(pvt: Pvt) -> None:
    for name in ("one", "two", "three"):
        pvt.ok("add", name, MAIL.format("boiler", "May"))
    pvt.ok("set", "three", "--favourite")
    use(pvt, "two")
    found = only(pvt, "duplicate")
    assert found["prompts"] == ["one"]
    assert "two" in found["reason"]
    typed(pvt, found)
    assert suggestions(pvt, "--kind", "duplicate") == []


def test_constants_in_what_is_used(pvt: Pvt) -> None:
    text = "Translate [TEXT] into Dutch, at most 200 words, for ada@example.org."
    pvt.ok("add", "used", text)
    pvt.ok("add", "unused", "Summarise [TEXT] in one line, as a haiku, in German.")
    assert suggestions(pvt, "--kind", "constant") == []
    use(pvt, "used")
    found = only(pvt, "constant")
    assert found["prompts"] == ["used"]
    texts = {each["variable"]: each["text"] for each in found["constants"]}
    assert texts == {"text_1": "[TEXT]", "email": "ada@example.org", "words": "200"}
    typed(pvt, found)
    assert suggestions(pvt, "--kind", "constant") == []


def test_descriptions_and_labels(pvt: Pvt) -> None:
    pvt.ok("add", "poem", "# Write a poem's first line.\nMake it rhyme; it is 'hers'.")
    pvt.ok("add", "poem", "# Write a poem's last line.\nMake it rhyme.", "--upsert")
    use(pvt, "poem", 5)
    found = only(pvt, "describe")
    typed(pvt, found)
    described = pvt.ok("show", "poem", "--json").json["description"]
    assert described == "Write a poem's last line."
    typed(pvt, only(pvt, "label"))
    assert pvt.ok("show", "poem", "--json").json["labels"] == {"production": 2}
    assert suggestions(pvt) == []


def test_many_prompts_without_tags(pvt: Pvt) -> None:
    for number in range(10):
        pvt.ok("add", f"n{number}", f"Tell me about the number {number * 7919}.")
    found = suggestions(pvt, "--kind", "describe")[-1]
    assert found["command"] == "promptvault categorize --all"


def test_prompts_without_a_description(pvt: Pvt) -> None:
    """One suggestion for all prompts that are hardly used; it shows a few names."""
    for name in "abc":
        pvt.ok("add", name, f"Say {name} aloud.")
    pvt.ok("set", "b", "--description", "It says b.")
    found = only(pvt, "describe")
    assert found["reason"] == "2 of 3 prompts have no description."
    assert set(found["prompts"]) == {"a", "c"}
    typed(pvt, found)
    typed(pvt, only(pvt, "describe"))
    assert suggestions(pvt) == []


def test_secrets_come_first_and_are_never_shown(pvt: Pvt) -> None:
    pvt.ok("add", "key", f"Log in to [HOST] with {KEY} in German.")
    pvt.ok("set", "key", "--favourite")
    use(pvt, "key", 6)
    found = suggestions(pvt)
    assert [each["kind"] for each in found] == ["secret"]
    assert KEY not in str(found)
    typed(pvt, found[0])
    kinds = [each["kind"] for each in suggestions(pvt)]
    assert kinds == ["constant", "label", "describe"]


def test_templates_that_fail(pvt: Pvt) -> None:
    pvt.ok("add", "broken", "Hello {{ name", "--template")
    pvt.ok("add", "fine", "Hello {{ name }}", "--template")
    found = only(pvt, "lint")
    assert found["command"] == "promptvault edit broken"


def test_kinds_and_limit(pvt: Pvt) -> None:
    for number in range(3):
        pvt.ok("add", f"b{number}", f"Hello {{{{ x{number}", "--template")
    pvt.ok("add", "key", f"Log in with {KEY}.")
    assert len(suggestions(pvt)) == 5
    assert len(suggestions(pvt, "--limit", "2")) == 2
    kinds = [
        each["kind"] for each in suggestions(pvt, "--kind", "lint", "--kind", "secret")
    ]
    assert kinds == ["secret", "lint", "lint", "lint"]
    assert pvt("suggest", "--kind", "nothing").code == 2


def test_a_pipe_gets_a_line_for_each(pvt: Pvt) -> None:
    pvt.ok("add", "broken", "Hello {{ name", "--template")
    (line,) = pvt.ok("suggest", "--kind", "lint").lines
    kind, command, reason = line.split("\t")
    assert (kind, command) == ("lint", "promptvault edit broken")
    assert "fails" in reason


def test_nothing_is_changed(pvt: Pvt, home: Path) -> None:
    pvt.ok("add", "broken", "Hello {{ name", "--template")
    before = pvt.ok("list", "--json").out
    suggestions(pvt)
    assert pvt.ok("list", "--json").out == before


def test_it_loads_nothing_that_writes_or_asks(pvt: Pvt) -> None:
    pvt.ok("add", "one", MAIL.format("boiler", "May"))
    pvt.ok("add", "two", MAIL.format("door", "June"))
    loaded = loaded_by("suggest", output="template from")
    assert loaded & (LEAN - {"rapidfuzz", "tomlkit", "platformdirs"}) == set()
