"""Output for persons: colours, pagers, and locales that lack characters."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Process, Pvt
from tests.terminal_kit import END, on_a_terminal, one_after_another

NO_UTF_8 = [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
]
READING = (
    "show a",
    "list",
    "stats",
    "log a",
    "diff a",
    "search text",
    "lint",
    "config list",
)


@pytest.fixture(autouse=True)
def filled(pvt: Pvt) -> None:
    """Save two versions of a prompt."""
    pvt.ok("add", "a", "text of 中 ★ one\n", "--title", "Tïtle → ★")
    pvt.ok("add", "a", "text of 中 ★ two\n", "--upsert")
    pvt.ok("set", "a", "--favourite")


class TestLocale:
    @pytest.mark.parametrize("locale", NO_UTF_8, ids=str)
    def test_no_command_fails(
        self,
        pvt_process: Process,
        monkeypatch: pytest.MonkeyPatch,
        locale: dict[str, str],
    ) -> None:
        for name, value in locale.items():
            monkeypatch.setenv(name, value)
        command = one_after_another(f"{line} --no-pager" for line in READING)
        _, screen = on_a_terminal(command)
        assert screen.count(END) == len(READING)
        assert "Error" not in screen
        piped = subprocess.run(command, check=True, capture_output=True, timeout=60)
        assert piped.stdout.count(END.encode()) == len(READING)
        assert b"Error" not in piped.stderr
        assert pvt_process("get", "a").out.decode() == "text of 中 ★ two\n"

    def test_missing_characters_are_replaced(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONIOENCODING", "ascii")
        _, screen = on_a_terminal(pvt_process.command("show", "a", "--no-pager"))
        assert screen.isascii()
        assert "* T?tle > *" in screen
        assert "text of ? * two" in screen
        _, screen = on_a_terminal(pvt_process.command("show", "a", "--json"))
        assert screen.isascii()
        assert "\\u4e2d" in screen

    def test_a_path_in_no_encoding(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PROMPTVAULT_HOME", f"{tmp_path}/caf\udce9")
        assert b"caf\xe9/config.toml\n" in pvt_process("config", "path").out


class TestColour:
    @pytest.mark.parametrize(
        ("options", "variables", "is_coloured"),
        [
            ([], {}, False),
            (["--color=always"], {}, True),
            (["--color", "always"], {"NO_COLOR": "1"}, True),
            ([], {"FORCE_COLOR": "1"}, True),
            ([], {"CLICOLOR_FORCE": "1"}, True),
            ([], {"FORCE_COLOR": "0", "CLICOLOR_FORCE": "0"}, False),
            ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
            (["--color=never"], {"FORCE_COLOR": "1"}, False),
            (["--no-color"], {"CLICOLOR_FORCE": "1"}, False),
            (["--color=auto"], {"FORCE_COLOR": "1"}, True),
        ],
    )
    def test_in_a_pipe(
        self,
        monkeypatch: pytest.MonkeyPatch,
        options: list[str],
        variables: dict[str, str],
        is_coloured: bool,
    ) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        lines = (shlex.join([*line, *options]) for line in (["diff", "a"], ["--help"]))
        command = one_after_another([*lines, shlex.join(["get", "none", *options])])
        done = subprocess.run(command, check=True, capture_output=True, timeout=60)
        difference, usage, _ = done.stdout.split(END.encode(), 2)
        assert (b"\x1b[32m+text" in difference) is is_coloured
        assert (b"\x1b[" in usage) is is_coloured
        assert (b"\x1b[31m" in done.stderr) is is_coloured

    def test_data_never_has_any(self, pvt: Pvt) -> None:
        for line in ("get a", "list", "list --plain", "show a --json", "export -"):
            assert b"\x1b" not in pvt.ok(*line.split(), "--color=always").out, line

    def test_never_on_a_terminal(self, pvt_process: Process) -> None:
        command = pvt_process.command("diff", "a", "--color=never", "--no-pager")
        assert "\x1b" not in on_a_terminal(command)[1]

    @pytest.mark.parametrize("options", [["--color"], ["--color=red"], ["--color", ""]])
    def test_a_choice_that_there_is_not(self, pvt: Pvt, options: list[str]) -> None:
        result = pvt("list", *options)
        assert (result.code, result.text) == (2, "")
        assert "--color must be auto, always or never" in result.err

    def test_after_two_dashes_it_is_a_word(self, pvt: Pvt) -> None:
        pvt.ok("add", "b", "--", "--color=always")
        assert pvt.ok("get", "b").text == "--color=always"


class TestPager:
    @pytest.fixture
    def pager(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return where $PAGER writes what it was given, and the variable LESS."""
        script = tmp_path / "a pager.sh"
        script.write_text(f"echo $LESS >'{tmp_path}/paged'; cat >>'{tmp_path}/paged'\n")
        monkeypatch.setenv("PAGER", f"sh '{script}'")
        return tmp_path / "paged"

    @pytest.mark.parametrize(
        "line", ["show a", "diff a", "log a", "help", "help config"]
    )
    def test_it_is_given_what_a_person_reads(
        self, pvt_process: Process, pager: Path, line: str
    ) -> None:
        code, screen = on_a_terminal(pvt_process.command(*line.split()))
        assert (code, screen) == (0, "")
        options, *shown = pager.read_text().splitlines()
        assert options == "FRX"
        assert any("\x1b[" in each for each in shown), "it is drawn as on a terminal"

    @pytest.mark.parametrize(
        ("options", "variables"),
        [
            (["--no-pager"], {}),
            (["--json"], {}),
            ([], {"PROMPTVAULT_PAGER": "cat"}),
            ([], {"PROMPTVAULT_PAGER": ""}),
            ([], {"PAGER": ""}),
            ([], {"PAGER": "cat"}),
            ([], {"PAGER": "no-such-pager"}),
        ],
    )
    def test_without_it(
        self,
        pvt_process: Process,
        pager: Path,
        monkeypatch: pytest.MonkeyPatch,
        options: list[str],
        variables: dict[str, str],
    ) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        code, screen = on_a_terminal(pvt_process.command("show", "a", *options))
        assert code == 0
        assert "text of 中" in screen
        assert not pager.exists()

    def test_a_pipe_is_not_paged(self, pvt_process: Process, pager: Path) -> None:
        assert "text of 中" in pvt_process("show", "a").text
        assert not pager.exists()

    def test_the_setting_wins_over_the_environment(
        self, pvt: Pvt, pvt_process: Process, pager: Path
    ) -> None:
        pvt.ok("config", "set", "pager", "sed s/text/TEXT/")
        assert "TEXT of 中" in on_a_terminal(pvt_process.command("show", "a"))[1]
        assert not pager.exists()

    def test_a_pager_that_is_left_early_is_no_error(
        self, pvt: Pvt, pvt_process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pvt.ok("add", "long", "a line\n" * 100_000)
        pvt.ok("add", "long", "another\n" * 100_000, "--upsert")
        monkeypatch.setenv("PAGER", "head -n 1")
        for line in ("show long", "diff long", "help"):
            code, screen = on_a_terminal(pvt_process.command(*line.split()))
            assert (code, screen.count("\n")) == (0, 1), screen

    def test_ctrl_c_is_the_pagers_and_quiet(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """less continues after Ctrl-C; the program must not end before it."""
        monkeypatch.setenv("PAGER", "less")
        monkeypatch.setenv("LESS", "RX")  # without F it stays on one screen
        command = pvt_process.command("show", "a")
        code, screen = on_a_terminal(command, (b"two", b"\x03"), (b"two", b"q"))
        assert code == 0
        assert "Traceback" not in screen
        assert "Error" not in screen
