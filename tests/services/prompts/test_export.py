"""Exports: files that other tools read, and that an import restores completely."""

import csv
import io
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from promptvault import front_matter
from promptvault.domain.digest import digest
from tests.conftest import Pvt
from tests.importers.build import Json
from tests.services.imports.test_run import asked, write

TEMPLATE = b"""---
variables:
  who: {default: world, description: "Whom to greet, and how", choices: [world, moon]}
  times: {type: integer}
---
Hello {{ who }}!\r
---
No line end"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose vault holds one of everything."""
    folder = tmp_path_factory.mktemp("model")
    home, pvt = folder / "home", Pvt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTVAULT_HOME", str(home))
        patch.setenv("GIT_AUTHOR_NAME", "Ada Lovelace")
        patch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
        chat = asked("c1", "Tea?", "Green tea?", title="Größe: „Tee“")
        pvt.ok("import", write(folder / "chat.json", chat), "--tag", "drink")
        pvt.ok("import", write(folder / "chat.json", asked("c3", "Green tea?")))
        pvt.ok("add", "work/hello", "-", "--title", "'Hi': #1", stdin=TEMPLATE)
        pvt.ok("set", "hello", "--favourite", "--description", "yes", "--tag", "null")
        pvt.ok("add", "work/mail", "One.\n")
        pvt.ok("label", "mail@1", "best")
        pvt.ok("add", "work/mail", "Two.\n\n", "--upsert", "-m", "Say: two")
        pvt.ok("label", "mail@2", "production")
        for _ in range(3):
            pvt.ok("get", "mail")
        pvt.ok("add", "rubbish", "Deleted.")
        pvt.ok("delete", "rubbish")
    return home


@pytest.fixture
def filled(pvt: Pvt, home: Path, model: Path) -> Pvt:
    """Return the program, in a home that is a copy of the model."""
    shutil.copytree(model, home)
    return pvt


def move_to(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Switch to another home, as another user."""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Grace Hopper")
    monkeypatch.setenv("PROMPTVAULT_HOME", str(home))


def exported(pvt: Pvt) -> Json:
    """Return the content of the vault, except the commits of its own history."""
    rows = pvt.ok("export", "-").json
    for row in rows:
        for version in row["history"]:
            del version["commit"]
    return rows


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_is_exported_comes_back_without_loss(
    filled: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    path = str(tmp_path / f"all.{form}")
    filled.ok("export", path)
    before = exported(filled), filled.ok("list", "--json").json
    move_to(monkeypatch, tmp_path / "fresh")
    report = filled.ok("import", path, "--json").json
    assert (report["source"], report["added"]) == ("promptvault", len(before[0]))
    assert (exported(filled), filled.ok("list", "--json").json) == before
    assert filled("doctor").code == 0
    again = filled.ok("import", path, "--json").json
    assert (again["added"], again["updated"]) == (0, 0)
    assert again["duplicates"] == len(before[0])
    assert (exported(filled), filled.ok("list", "--json").json) == before
    assert filled.ok("get", "hello", "-p", "times=2").out.startswith(b"Hello world!\r")
    assert filled.ok("get", "mail@best").out == b"One.\n"
    assert filled.ok("search", "green", "--json").json


def current_only(rows: Json) -> Json:
    """Return rows of an export in a form that Markdown can express."""
    kept = []
    for row in rows:
        last = row["history"][-1]
        lost = ("labels", "uses", "used_at", "version", "versions", "updated_at")
        head = {key: row[key] for key in row if key not in {*lost, "history"}}
        kept.append(head | {key: last[key] for key in ("id", "created_at")})
    return kept


def test_markdown_brings_the_current_version_back(
    filled: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    filled.ok("export", str(folder))
    before = exported(filled)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    assert files == {f"{row['name']}.md" for row in before}
    move_to(monkeypatch, tmp_path / "fresh")
    report = filled.ok("import", str(folder), "--json").json
    assert (report["files"], report["added"]) == (len(before), len(before))
    assert current_only(exported(filled)) == current_only(before)
    assert filled("doctor").code == 0
    again = filled.ok("import", str(folder), "--json").json
    assert (again["added"], again["duplicates"]) == (0, len(before))


def test_labels_in_markdown_mean_the_version_that_it_holds(
    filled: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.ok("export", str(tmp_path / "files"), "mail")
    move_to(monkeypatch, tmp_path / "fresh")
    filled.ok("import", str(tmp_path / "files"))
    # "best" was the version before, whose text is not in the file.
    (row,) = filled.ok("list", "--json").json
    assert row["labels"] == {"production": 1}


def test_markdown_is_the_file_of_the_history(filled: Pvt, tmp_path: Path) -> None:
    filled.ok("export", str(tmp_path / "files"))
    text = (tmp_path / "files/work/hello.md").read_bytes().decode()
    document = front_matter.split(text)
    assert document is not None
    assert document.body == "Hello {{ who }}!\r\n---\nNo line end"
    assert document.fields["title"] == "'Hi': #1"
    assert document.fields["description"] == "yes"
    assert document.fields["tags"] == ["null"]
    assert filled.ok("export", "-", "hello", "--format", "markdown").text == text


_NO_CONTROLS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))
_LINES = st.text(_NO_CONTROLS, max_size=30).map(lambda text: " ".join(text.split()))
_PIECES = st.sampled_from(["---", "---\n", "\r\n", "\n", "\r", "{{ x }}", "\ufeff", ""])
_NO_TEXT = "".join(map(chr, [*range(9), *range(0x0E, 0x1B), *range(0x1C, 0x20)]))
_ANYTHING = st.text(
    st.characters(codec="utf-8", exclude_characters=_NO_TEXT), max_size=30
)
_BODIES = st.lists(_PIECES | _ANYTHING, max_size=5).map("".join)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_DEFAULTS = st.one_of(_ANYTHING, st.integers(-1000, 1000), st.booleans(), _FLOATS)
_VARIABLES = st.dictionaries(
    st.sampled_from(["who", "yes", "größe", "null", "_1"]),
    _DEFAULTS.map(lambda value: {"default": value})
    | st.builds(dict, description=_LINES, choices=st.lists(_ANYTHING, max_size=3)),
    max_size=3,
)
_TAGS = st.text(_NO_CONTROLS, min_size=1, max_size=10).filter(
    lambda tag: not set(tag) & set(", ") and tag == "".join(tag.split())
)
_TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2026, 1, 1)).map(
    lambda time: time.replace(tzinfo=UTC).isoformat()
)
_VERSIONS = st.fixed_dictionaries(
    {
        "body": _BODIES.filter(lambda body: bool(body.strip())),
        "template": st.booleans(),
        "variables": _VARIABLES,
        "message": _LINES,
        "created_at": _TIMES,
    }
)
_PROMPTS = st.fixed_dictionaries(
    {
        "title": _LINES,
        "description": _LINES,
        "tags": st.lists(_TAGS, max_size=3),
        "favourite": st.booleans(),
        "uses": st.integers(1, 9),
        "used_at": _TIMES,
        "history": st.lists(_VERSIONS, min_size=1, max_size=3),
    }
)


def _digest(row: dict[str, Any]) -> bytes:
    return digest(row["history"][-1]["body"])


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each example is eight runs: too slow to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(_PROMPTS, min_size=1, max_size=4, unique_by=_digest))
def test_any_text_comes_back(
    pvt: Pvt, tmp_path_factory: pytest.TempPathFactory, prompts: list[Json]
) -> None:
    folder = tmp_path_factory.mktemp("property")
    for number, prompt in enumerate(prompts):
        prompt |= {"name": f"p/{number}", "body": prompt["history"][-1]["body"]}
    paths = [folder / "given.json", folder / "all.json", folder / "all.jsonl", folder]
    paths[0].write_text(json.dumps(prompts))
    found = []
    home = os.environ["PROMPTVAULT_HOME"]
    try:
        for number, path in enumerate(paths):
            os.environ["PROMPTVAULT_HOME"] = str(folder / f"home{number}")
            source = folder / "files" if path is folder else path
            report = pvt.ok("import", str(source), "--json").json
            assert (report["added"], report["failed"]) == (len(prompts), [])
            found.append(exported(pvt))
            if number == 0:
                for target in (*paths[1:3], folder / "files"):
                    pvt.ok("export", str(target))
    finally:
        os.environ["PROMPTVAULT_HOME"] = home
    assert [row["body"] for row in found[0]] == [row["body"] for row in prompts]
    assert [row["title"] for row in found[0]] == [row["title"] for row in prompts]
    assert found[1] == found[2] == found[0]
    assert current_only(found[3]) == current_only(found[0])


def test_control_characters_come_back_from_markdown(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b"Bold: B\x08B, colour: \x1b[31mred\x1b[0m\x01"
    pvt.ok("add", "terminal", "-", stdin=body)
    pvt.ok("export", str(tmp_path / "files"))
    move_to(monkeypatch, tmp_path / "fresh")
    pvt.ok("import", str(tmp_path / "files"))
    assert pvt.ok("get", "terminal").out == body


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("number", 0.00001),
        ("number", 1e16),
        ("number", 5.0),
        ("integer", 5),
        ("boolean", False),
        ("string", "1e-05"),
        ("string", "2026-05-01"),
        ("string", "yes"),
    ],
)
def test_default_of_a_variable_comes_back_from_markdown(
    pvt: Pvt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    default: str | float | bool,
) -> None:
    variables = {"n": {"default": default, "type": kind, "choices": [default]}}
    row = {"name": "a", "body": "{{ n }}", "template": True, "variables": variables}
    pvt.ok("import", write(tmp_path / "a.json", row))
    before, text = exported(pvt)[0]["variables"], pvt.ok("get", "a").text
    assert before[0]["default"] == default
    pvt.ok("export", str(tmp_path / "files"))
    move_to(monkeypatch, tmp_path / "fresh")
    pvt.ok("import", str(tmp_path / "files"))
    assert exported(pvt)[0]["variables"] == before
    assert pvt.ok("get", "a").text == text


@pytest.mark.parametrize(
    "title", ["Bell\x07", "Delete\x7f", "x" * 3000, "a\x85b\u2028c"]
)
def test_title_of_a_chat_comes_back(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str
) -> None:
    pvt.ok("import", write(tmp_path / "chats.json", asked("c1", "Tea?", title=title)))
    before = exported(pvt)
    for target in ("all.json", "files"):
        move_to(monkeypatch, tmp_path / "home")
        pvt.ok("export", str(tmp_path / target))
        move_to(monkeypatch, tmp_path / f"fresh-{target}")
        pvt.ok("import", str(tmp_path / target))
        assert current_only(exported(pvt)) == current_only(before)


def test_edited_markdown_file_is_a_new_version(filled: Pvt, tmp_path: Path) -> None:
    filled.ok("export", str(tmp_path / "files"))
    path = tmp_path / "files/work/mail.md"
    path.write_text(path.read_text() + "Three.\n")
    report = filled.ok("import", str(tmp_path / "files"), "--json").json
    assert (report["added"], report["updated"], report["duplicates"]) == (0, 1, 2)
    assert filled.ok("get", "mail").out == b"Two.\n\nThree.\n"
    rows = filled.ok("log", "mail", "--json").json
    assert [row["version"] for row in rows] == [3, 2, 1]
    assert filled.ok("show", "mail", "--json").json["labels"]["production"] == 2
    assert filled("doctor").code == 0
    again = filled.ok("import", str(tmp_path / "files"), "--json").json
    assert (again["added"], again["updated"]) == (0, 0)


def test_edited_declaration_in_a_markdown_file_is_a_new_version(
    filled: Pvt, tmp_path: Path
) -> None:
    filled.ok("export", str(tmp_path / "files"), "hello")
    path = tmp_path / "files/work/hello.md"
    path.write_bytes(path.read_bytes().replace(b"default: world", b"default: moon"))
    assert filled.ok("import", str(path), "--json").json["updated"] == 1
    assert filled.ok("get", "hello", "-p", "times=1").out.startswith(b"Hello moon!")


def test_edited_markdown_file_stays_out_when_the_vault_moved_on(
    filled: Pvt, tmp_path: Path
) -> None:
    filled.ok("export", str(tmp_path / "files"))
    path = tmp_path / "files/work/mail.md"
    path.write_text(path.read_text() + "Three.\n")
    filled.ok("add", "work/mail", "Mine.", "--upsert")
    report = filled.ok("import", str(path), "--json").json
    assert (report["updated"], report["skipped"]) == (0, {"edited here since": 1})
    assert filled.ok("get", "mail").out == b"Mine."


def test_older_export_is_no_news(filled: Pvt, tmp_path: Path) -> None:
    for path in ("all.json", "files"):
        filled.ok("export", str(tmp_path / path))
    filled.ok("add", "work/mail", "Mine.", "--upsert")
    for path in ("all.json", "files"):
        report = filled.ok("import", str(tmp_path / path), "--json").json
        assert (report["added"], report["updated"], report["duplicates"]) == (0, 0, 3)
    assert filled.ok("get", "mail").out == b"Mine."


def test_prompt_can_be_carried_between_two_vaults_again_and_again(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, homes = str(tmp_path / "all.json"), (tmp_path / "a", tmp_path / "b")
    for text in ("One.", "Two.", "Three."):
        move_to(monkeypatch, homes[0])
        pvt.ok("add", "mail", text, "--upsert")
        pvt.ok("export", path, "--force")
        wanted = exported(pvt)
        move_to(monkeypatch, homes[1])
        pvt.ok("import", path)
        assert pvt.ok("get", "mail").text == text
        again = pvt.ok("import", path, "--json").json
        assert (again["duplicates"], again["skipped"]) == (1, {})
    (row,) = exported(pvt)
    assert row["history"] == wanted[0]["history"]


def test_csv_is_read_by_any_spreadsheet(filled: Pvt, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    filled.ok("export", str(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {"chatgpt/größe-tee", "work/hello", "work/mail"}
    assert rows["work/hello"]["body"] == "Hello {{ who }}!\r\n---\nNo line end"
    assert rows["chatgpt/größe-tee"]["title"] == "Größe: „Tee“"
    assert rows["chatgpt/größe-tee"]["tags"] == "drink"
    assert rows["work/mail"]["source"] == "local"


def test_csv_comes_back_under_its_own_names(
    filled: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = ("name", "title", "description", "tags", "source", "created_at")
    before = filled.ok("list", "--json").json
    bodies = {row["name"]: row["body"] for row in exported(filled)}
    filled.ok("export", str(tmp_path / "all.csv"))
    move_to(monkeypatch, tmp_path / "fresh")
    filled.ok("import", str(tmp_path / "all.csv"))
    after = filled.ok("list", "--json").json
    assert [[row[key] for key in fields] for row in after] == [
        [row[key] for key in fields] for row in before
    ]
    assert {row["name"]: row["body"] for row in exported(filled)} == bodies
    again = filled.ok("import", str(tmp_path / "all.csv"), "--again", "--json").json
    assert (again["added"], again["duplicates"]) == (0, len(before))


@pytest.mark.parametrize("name", ["x.yaml", "notes.txt", "v1.2"])
def test_an_ending_of_no_format_is_refused(
    filled: Pvt, tmp_path: Path, name: str
) -> None:
    result = filled("export", str(tmp_path / name))
    assert result.code == 2
    assert ".jsonl" in result.err
    assert not (tmp_path / name).exists()
    filled.ok("export", f"{tmp_path / name}/")
    assert (tmp_path / name / "work" / "mail.md").exists()


def test_one_prompt_goes_into_one_markdown_file(filled: Pvt, tmp_path: Path) -> None:
    path = tmp_path / "mail.md"
    filled.ok("export", str(path), "mail")
    assert (
        path.read_bytes() == filled.ok("export", "-", "mail", "--format=markdown").out
    )
    assert filled("export", str(tmp_path / "all.md")).code == 2


def test_a_named_pipe_is_written_to(filled: Pvt, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        filled.ok("export", str(pipe))
        written, _ = reader.communicate(timeout=60)
    assert pipe.is_fifo()
    assert written == filled.ok("export", "-", "--format", "csv").out


def test_dev_stdout_is_stdout(filled: Pvt) -> None:
    assert filled.ok("export", "/dev/stdout").out == filled.ok("export", "-").out


def test_what_a_link_points_to_is_replaced(filled: Pvt, tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("old")
    (tmp_path / "link.json").symlink_to("there.json")
    filled.ok("export", str(tmp_path / "link.json"), "--force")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "there.json").read_text())


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_dash_writes_the_same_to_stdout(filled: Pvt, tmp_path: Path, form: str) -> None:
    filled.ok("export", str(tmp_path / "file"), "--format", form)
    result = filled.ok("export", "-", "--format", form)
    assert result.out == (tmp_path / "file").read_bytes()


def test_jsonl_is_one_prompt_a_line(filled: Pvt) -> None:
    rows = filled.ok("export", "-", "--format", "jsonl").jsonl
    assert rows == filled.ok("export", "-").json


def test_stdout_of_one_vault_is_stdin_of_another(
    filled: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, before = filled.ok("export", "-").out, exported(filled)
    move_to(monkeypatch, tmp_path / "fresh")
    filled.ok("import", "-", stdin=data)
    assert exported(filled) == before


def test_markdown_of_several_needs_a_folder(filled: Pvt) -> None:
    result = filled("export", "-", "--format", "markdown")
    assert (result.code, result.out) == (2, b"")


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (("mail",), ["work/mail"]),
        (("work/mail", "größe-tee"), ["chatgpt/größe-tee", "work/mail"]),
        (("--folder", "work"), ["work/hello", "work/mail"]),
        (("--folder", "work/"), ["work/hello", "work/mail"]),
        (("--tag", "drink"), ["chatgpt/größe-tee"]),
        (("--source", "local", "--tag", "null"), ["work/hello"]),
    ],
)
def test_selection(filled: Pvt, selection: tuple[str, ...], wanted: list[str]) -> None:
    rows = filled.ok("export", "-", *selection).json
    assert [row["name"] for row in rows] == wanted


@pytest.mark.parametrize(
    "selection", [("nothing",), ("--folder", "wor"), ("--tag", "x"), ("rubbish",)]
)
def test_selection_of_nothing(
    filled: Pvt, tmp_path: Path, selection: tuple[str, ...]
) -> None:
    for path in ("-", str(tmp_path / "all.json"), str(tmp_path / "files")):
        result = filled("export", path, *selection)
        assert (result.code, result.out) == (3, b"")
    assert not (tmp_path / "all.json").exists()


def test_file_that_is_there_is_not_written_over(filled: Pvt, tmp_path: Path) -> None:
    for name in ("all.json", "files/work/mail.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("Precious")
        target = str(tmp_path / name.partition("/")[0])
        assert filled("export", target).code == 5
        assert path.read_text() == "Precious"
        filled.ok("export", target, "--force")
        assert path.read_text() != "Precious"


def test_refused_folder_is_left_as_it_was(filled: Pvt, tmp_path: Path) -> None:
    path = tmp_path / "files/work/mail.md"
    path.parent.mkdir(parents=True)
    path.write_text("Precious")
    assert filled("export", str(tmp_path / "files")).code == 5
    assert list((tmp_path / "files").rglob("*.md")) == [path]


def test_place_that_cannot_be_written(filled: Pvt, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("A file")
    for target in ("file/all.json", "file/folder"):
        assert filled("export", str(tmp_path / target), "--force").code == 2
    assert (tmp_path / "file").read_text() == "A file"


def test_report(filled: Pvt, tmp_path: Path) -> None:
    path = str(tmp_path / "all.jsonl")
    result = filled.ok("export", path, "--json").json
    assert result == {"path": path, "format": "jsonl", "prompts": 3}


def test_rows_that_other_tools_wrote_are_enough(pvt: Pvt) -> None:
    rows = io.StringIO()
    for name in ("Coding/Code Review", "mail"):
        rows.write(json.dumps({"name": name, "body": f"Do {name}."}) + "\n")
    report = pvt.ok("import", "-", "--json", stdin=rows.getvalue().encode()).json
    assert report["added"] == 2
    assert pvt.ok("get", "coding/code-review").out == b"Do Coding/Code Review."
