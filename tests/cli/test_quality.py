"""`lint` and `stats`, for scripts and for persons."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptvault.cli import terminal
from tests.conftest import Pvt

KEY = "AK" + "IA" + "QWERTYUIOPASDFGH"


@pytest.fixture
def mistakes(pvt: Pvt) -> Pvt:
    """Return the program with a vault that has one mistake of each severity."""
    pvt.ok("add", "a/error", "{% include 'gone' %}\n", "--template")
    front = "---\nvariables: {tone: kind}\n---\nHi"
    pvt.ok("add", "b/warning", "-", "--template", stdin=front.encode())
    pvt.ok("add", "c/info", "Hello {{ name }}", "--no-template")
    pvt.ok("add", "d/sound", "Hello there")
    return pvt


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw as on a terminal of 80 columns and 24 lines."""
    monkeypatch.setattr(terminal, "stdout_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_lint_prints_a_finding_a_line(mistakes: Pvt) -> None:
    result = mistakes("lint")
    cells = [line.split("\t") for line in result.lines]
    assert [line[:4] for line in cells] == [
        ["a/error", "1", "error", "unknown-include"],
        ["b/warning", "", "warning", "unused-variable"],
    ]
    assert all(line[4].endswith(".") for line in cells)
    assert result.code == 5
    summary = "1 error, 1 warning in 2 of 4 prompts. --all lists 1 of severity info"
    assert summary in result.err


@pytest.mark.parametrize("arguments", [["--all"], ["c/info"]])
def test_lint_prints_notes_where_they_are_asked_for(
    mistakes: Pvt, arguments: list[str]
) -> None:
    result = mistakes("lint", *arguments)
    assert "c/info\t1\tinfo\tlooks-like-template" in result.text
    assert "--all" not in result.err


def test_lint_fails_on_errors_only(mistakes: Pvt) -> None:
    assert mistakes("lint", "warning", "info", "sound").code == 0
    assert mistakes("lint", "sound", "error").code == 5
    assert mistakes("lint", "error", "--json").code == 5


def test_lint_of_a_name_that_is_not_there(mistakes: Pvt) -> None:
    result = mistakes("lint", "error", "nobody")
    assert result.code == 3
    assert result.out == b""


def test_lint_without_mistakes(pvt: Pvt) -> None:
    assert pvt.ok("lint").err == "No mistakes in 0 prompts.\n"
    pvt.ok("add", "one", "Hello")
    result = pvt.ok("lint")
    assert (result.out, result.err) == (b"", "No mistakes in 1 prompt.\n")


def test_lint_as_json(mistakes: Pvt) -> None:
    result = mistakes("lint", "--json")
    assert result.json["prompts"] == [
        {"name": "a/error", "tokens": 6, "errors": 1, "warnings": 0},
        {"name": "b/warning", "tokens": 1, "errors": 0, "warnings": 1},
        {"name": "c/info", "tokens": 4, "errors": 0, "warnings": 0},
        {"name": "d/sound", "tokens": 3, "errors": 0, "warnings": 0},
    ]
    error, warning, info = result.json["findings"]
    assert error == {
        "prompt": "a/error",
        "severity": "error",
        "code": "unknown-include",
        "message": "There is no prompt 'gone'.",
        "line": 1,
    }
    assert (warning["line"], info["severity"]) == (None, "info")
    assert result.err == ""


@pytest.mark.parametrize("option", ["--all", "--json"])
def test_lint_never_prints_a_secret(pvt: Pvt, option: str) -> None:
    pvt.ok("add", "deploy", f"Use {KEY}")
    result = pvt("lint", option)
    assert result.code == 5
    assert "likely-secret" in result.text
    assert KEY not in result.text + result.err


@pytest.mark.usefixtures("screen")
def test_lint_is_drawn_by_prompt(mistakes: Pvt) -> None:
    text = mistakes("lint", "error", "warning", "sound").text
    assert "a/error  about 6 tokens" in text
    assert "error       1  There is no prompt 'gone'." in text
    assert text.index("a/error") < text.index("gone") < text.index("b/warning")
    assert "d/sound  about 3 tokens\n  nothing found" in text
    assert "d/sound" not in mistakes("lint").text


def export(*months: str) -> bytes:
    """Return a ChatGPT export with one prompt for each of *months*."""
    conversations = []
    for number, month in enumerate(months):
        year, of_year = map(int, month.split("-"))
        time = (year - 1970) * 31_556_952 + (of_year - 1) * 2_629_746 + 1_200_000
        message = {
            "id": f"m{number}",
            "author": {"role": "user"},
            "create_time": time,
            "content": {"content_type": "text", "parts": [f"Prompt {number}"]},
        }
        node: dict[str, Any] = {
            "id": "n",
            "message": message,
            "parent": None,
            "children": [],
        }
        conversations.append(
            {
                "conversation_id": f"c{number}",
                "title": f"T{number}",
                "create_time": time,
                "current_node": "n",
                "mapping": {"n": node},
            }
        )
    return json.dumps(conversations).encode()


@pytest.fixture
def filled(pvt: Pvt, tmp_path: Path) -> Pvt:
    """Return the program with a vault that has something of everything."""
    (tmp_path / "conversations.json").write_bytes(export("2024-02", "2024-02"))
    pvt.ok("import", str(tmp_path / "conversations.json"))
    pvt.ok("add", "coding/deep/review", "Review {{ it }}", "--template", "--tag", "py")
    pvt.ok("add", "coding/test", "Tests", "--tag", "py", "--tag", "ci")
    pvt.ok("add", "top", "1234", "--tag", "ci")
    for text in ("two", "three"):
        pvt.ok("add", "top", text, "--upsert")
    for name in ("top", "coding/test", "top"):
        pvt.ok("get", name)
    pvt.ok("set", "top", "--favourite")
    pvt.ok("add", "gone", "x", "--tag", "py")
    pvt.ok("delete", "gone")
    return pvt


def test_stats_as_json(filled: Pvt) -> None:
    found = filled.ok("stats", "--json").json
    totals = "prompts versions templates favourites trashed imports".split()
    assert [found[key] for key in totals] == [5, 7, 1, 1, 1, 1]
    assert (found["tokens"], found["average_tokens"]) == (12, 2)
    assert found["by_source"] == [
        {"source": "local", "prompts": 3},
        {"source": "chatgpt", "prompts": 2},
    ]
    assert found["by_folder"] == [
        {"folder": "chatgpt", "prompts": 2},
        {"folder": "coding", "prompts": 2},
        {"folder": "", "prompts": 1},
    ]
    first, latest = found["by_month"]
    assert first == {"month": "2024-02", "prompts": 2}
    assert latest["prompts"] == 3
    assert found["most_used"] == [
        {"name": "top", "uses": 2},
        {"name": "coding/test", "uses": 1},
    ]
    assert found["most_changed"] == [{"name": "top", "versions": 3}]
    assert found["tags"] == [{"tag": "ci", "prompts": 2}, {"tag": "py", "prompts": 2}]


def test_stats_to_a_pipe(filled: Pvt) -> None:
    lines = filled.ok("stats").lines
    expected = {"total\tprompts\t5", "source\tlocal\t3", "folder\tcoding\t2"}
    expected |= {"month\t2024-02\t2", "uses\ttop\t2", "versions\ttop\t3", "tag\tpy\t2"}
    assert expected <= set(lines)


def test_stats_without_the_undone(filled: Pvt) -> None:
    filled.ok("imports", "undo", "1")
    found = filled.ok("stats", "--json").json
    assert (found["prompts"], found["imports"]) == (3, 0)
    assert [row["source"] for row in found["by_source"]] == ["local"]


def test_stats_of_an_empty_vault(pvt: Pvt) -> None:
    result = pvt.ok("stats")
    assert "total\tprompts\t0" in result.lines
    assert "promptvault add" in result.err
    found = pvt.ok("stats", "--json").json
    assert (found["average_tokens"], found["by_month"]) == (0, [])


@pytest.mark.usefixtures("screen")
def test_stats_of_an_empty_vault_on_a_screen(pvt: Pvt) -> None:
    result = pvt.ok("stats")
    assert result.out == b""
    assert "There are no prompts." in result.err


@pytest.mark.usefixtures("screen")
def test_stats_are_drawn_on_one_screen(filled: Pvt) -> None:
    for number in range(12):
        name = f"folder-{number}/a-rather-long-name-{'of-a-prompt' * 9}"
        for text in ("one", "two"):
            tag = f"--tag=t{number}"
            filled.ok("add", name, f"{text} {number}", "--upsert", tag)
        filled.ok("get", name)
    lines = filled.ok("stats").lines
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "17 prompts   31 versions   1 template   1 favourite   1 import" in text
    assert "1 in the trash" in text
    assert "…/a-rather-long-name" in text
    assert "and 12 more" in text  # folders: 15, of which three are shown
    assert "Tags  " in text


@pytest.mark.usefixtures("screen")
def test_stats_bars_are_in_proportion(filled: Pvt) -> None:
    bars = {
        line.split()[0]: line.count("█")
        for line in (line[:40] for line in filled.ok("stats").lines)
        if line.startswith(("local", "chatgpt", "top", "coding/test"))
    }
    assert bars["local"] == 14
    assert bars["chatgpt"] == 9  # and a part of a block
    assert bars["top"] == 2 * bars["coding/test"] == 6


@pytest.mark.usefixtures("screen")
def test_stats_show_months_without_prompts(pvt: Pvt, tmp_path: Path) -> None:
    months = ["2023-11", "2024-02", "2024-02"]
    (tmp_path / "conversations.json").write_bytes(export(*months))
    pvt.ok("import", str(tmp_path / "conversations.json"))
    lines = pvt.ok("stats").lines
    assert "Months  at most 2, in 2024-02" in lines
    axis = lines.index("Months  at most 2, in 2024-02") + 4
    assert lines[axis].split() == ["2023", "2024"]
    base = lines[axis - 1].ljust(36)
    columns = [base[start : start + 2] for start in range(0, 36, 3)]
    assert columns == ["  "] * 8 + ["██", "  ", "  ", "██"]
    january = lines[axis].index("2024") // 3
    assert january == 10


@pytest.mark.usefixtures("screen")
def test_stats_on_a_narrow_screen_keep_the_names(
    filled: Pvt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = filled.ok("stats").lines
    assert max(map(len, lines)) <= 40
    starts = {line.split()[0] for line in lines if line.strip()}
    assert {"chatgpt", "local", "coding", "top"} <= starts
