"""`help`: the index, topics, and the options of commands."""

import json
import os
import re
import subprocess
import sys

import pytest

from promptvault.cli.commands import COMMANDS
from promptvault.cli.commands.guide import topics
from tests.conftest import Process, Pvt
from tests.terminal_kit import on_a_terminal

TOPICS = [topic.name for topic in topics()]
ONLY_TOPICS = [name for name in TOPICS if name not in COMMANDS]
BOTH = [name for name in TOPICS if name in COMMANDS]


class TestIndex:
    def test_it_lists_topics_by_group_and_all_commands(self, pvt: Pvt) -> None:
        text = pvt.ok("help").text
        assert [name for name in TOPICS if f"[{name}]({name}.md)" not in text] == []
        assert [name for name in COMMANDS if f"| `{name}` |" not in text] == []
        for heading in ("Reference", "Sync and server", "Upkeep"):
            assert f"| {heading} | |" in text

    def test_json(self, pvt: Pvt) -> None:
        found = pvt.ok("help", "--json").json
        assert [row["topic"] for row in found["topics"]] == TOPICS
        assert all(row["title"] and row["group"] for row in found["topics"])
        assert [row["command"] for row in found["commands"]] == list(COMMANDS)


class TestTopic:
    @pytest.mark.parametrize("name", TOPICS)
    def test_in_a_pipe_it_is_markdown(self, pvt: Pvt, name: str) -> None:
        text = pvt.ok("help", name).text
        assert text.startswith("# ")
        assert "<!--" not in text
        assert ("\nThe options of the command: " in text) is (name in COMMANDS)

    @pytest.mark.parametrize("name", TOPICS)
    def test_json(self, pvt: Pvt, name: str) -> None:
        found = pvt.ok("help", name, "--json").json
        assert found.keys() == {"topic", "title", "text"}
        assert found["topic"] == name
        assert found["text"] == pvt.ok("help", name).text

    def test_on_a_terminal_it_is_drawn(self, pvt_process: Process) -> None:
        command = pvt_process.command("help", "templates", "--no-pager")
        code, screen = on_a_terminal(command)
        assert code == 0
        assert "\x1b[1" in screen  # bold
        drawn = re.sub(r"\x1b\[[\d;]*m", "", screen)
        assert "| option |" not in drawn
        assert "```" not in drawn
        assert "(models.md)" not in drawn
        assert "help models" in drawn
        assert "https://jinja.palletsprojects.com" in drawn

    def test_its_lines_fit_a_narrow_terminal(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        command = pvt_process.command("help", "names", "--no-pager", "--no-color")
        _, screen = on_a_terminal(command)
        drawn = re.sub(r"\x1b\[[\d;]*m", "", screen)
        assert max(map(len, drawn.split("\r\n"))) <= 60

    def test_a_name_that_is_a_command_too(self, pvt: Pvt) -> None:
        assert {"import", "sync", "server"} <= set(BOTH)
        text = pvt.ok("help", "import").text
        assert text.startswith("# Import")
        last = text.splitlines()[-1]
        assert last == "The options of the command: `promptvault import --help`."
        assert "--discover" in pvt.ok("import", "--help").text


class TestCommand:
    @pytest.mark.parametrize("line", ["show", "config set", "server user add", "help"])
    def test_it_shows_the_options(self, pvt: Pvt, line: str) -> None:
        words = line.split()
        assert pvt.ok("help", *words).text == pvt.ok(*words, "--help").text

    def test_subcommands_of_a_topic_are_commands(self, pvt: Pvt) -> None:
        assert "sync status [OPTIONS]" in pvt.ok("help", "sync", "status").text

    def test_json(self, pvt: Pvt) -> None:
        found = pvt.ok("help", "config", "set", "--json").json
        assert found["topic"] == "config set"
        assert found["title"].startswith("Change a setting")
        assert "--unset" in found["text"]

    def test_json_has_no_colour(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        text = pvt_process("help", "get", "--json").json["text"]
        assert "\x1b" not in text


class TestUnknown:
    @pytest.mark.parametrize(
        ("words", "guess"),
        [
            ("improt", "Did you mean 'import'?"),
            ("templates2", "Did you mean 'templates'?"),
            ("exit-code", "Did you mean 'exit-codes'?"),
            ("SEARCH", "Did you mean 'search'?"),
            ("config sett", ""),
            ("templates x", ""),
            ("qqqq", ""),
        ],
    )
    def test_it_is_not_found(self, pvt: Pvt, words: str, guess: str) -> None:
        result = pvt("help", *words.split())
        assert (result.code, result.text) == (3, "")
        assert f"There is no topic or command {words!r}." in result.err
        assert guess in result.err
        assert "'promptvault help'" in result.err

    def test_json(self, pvt: Pvt) -> None:
        result = pvt("help", "improt", "--json")
        assert result.code == 3
        assert json.loads(result.err)["error"]["code"] == "not_found"


class TestCompletion:
    def offered(self, pvt_process: Process, line: str) -> str:
        """Press Tab at the end of *line*, as Typer's script for zsh does."""
        program = "import sys; sys.argv = ['promptvault']\n"
        program += "from promptvault.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ
            | {"_TYPER_COMPLETE_ARGS": line, "_PROMPTVAULT_COMPLETE": "complete_zsh"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("promptvault help te", ["team", "template", "templates", "terminal"]),
            ("promptvault help exit", ["exit-codes"]),
            ("promptvault help sear", ["search"]),
            ("promptvault help trash ", ["list", "restore", "empty"]),
            ("promptvault help server user a", ["add"]),
            ("promptvault help nothing ", []),
        ],
    )
    def test_topics_and_commands(
        self, pvt_process: Process, line: str, words: list[str]
    ) -> None:
        offered = self.offered(pvt_process, line)
        found = re.findall(r'"([\w-]+)":', offered)
        assert sorted(found) == sorted(words)
