"""Prompts with keys are marked, held back, redacted and restored."""

import json
from pathlib import Path

import pytest

from tests.conftest import Git, Pvt
from tests.importers.build import Json
from tests.services.imports.test_run import Bring, asked
from tests.test_secret_scan import KEYS

KEY = KEYS["GitHub Token"]
OTHER = KEYS["AWS Access Key"]
SECRET = f"Deploy with {KEY} please.\nThanks"
CLEAN = "Deploy with [redacted: GitHub Token] please.\nThanks"


def row(pvt: Pvt, name: str) -> Json:
    return pvt.ok("show", name, "--json").json


def add(pvt: Pvt, name: str, text: str) -> None:
    pvt.ok("add", name, "-", stdin=text.encode())


def test_prompt_with_a_key_is_held_back_and_says_so(pvt: Pvt) -> None:
    result = pvt.ok("add", "deploy", SECRET)
    assert "--allow-secrets" in result.err
    assert KEY not in result.err
    found = row(pvt, "deploy")
    assert (found["sensitive"], found["held_back"]) == (["GitHub Token"], True)
    add(pvt, "plain", "Deploy it please.")
    assert row(pvt, "plain")["held_back"] is False


def test_imported_prompt_shows_its_key_in_no_name_and_no_title(
    pvt: Pvt, tmp_path: Path
) -> None:
    chat = asked("c1", f"{KEY} is my key, and {KEY}", title=f"About {KEY}")
    report = Bring(pvt, tmp_path / "export.json")(chat, options=("--take", "all"))
    assert report["held_back"] == 1
    (found,) = pvt.ok("list", "--json").json
    assert found["sensitive"] == ["GitHub Token"]
    shown = json.dumps([found["name"], found["title"]]).lower()
    assert KEY[:12].lower() not in shown


def test_nothing_beside_the_text_of_an_import_shows_a_key(
    pvt: Pvt, tmp_path: Path
) -> None:
    chat = asked("c1", f"Deploy with {KEY}", title=f"About {KEY}")
    Bring(pvt, tmp_path / "export.json")(chat)
    snippet = f'[[snippets]]\ndescription = "push {KEY}"\ncommand = "git push {KEY}"\n'
    written = f"---\nname: my {KEY}\ndescription: {KEY}\ntags: [{KEY}]\n---\nDo it."
    files = {"snippet.toml": f'{snippet}tag = ["{KEY}"]', "SKILL.md": written}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        assert pvt.ok("import", str(tmp_path / name), "--json").json["added"] == 1
    pvt.ok("redact", "--all")
    rows = [row(pvt, name) for name in pvt.ok("list", "--plain").lines]
    assert len(rows) == 3
    assert KEY.lower() not in json.dumps(rows).lower()
    again = pvt.ok("import", "--again", str(tmp_path / "snippet.toml"), "--json").json
    assert (again["added"], again["duplicates"]) == (0, 1)


def test_scan_lists_what_holds_a_key_and_ends_with_5(pvt: Pvt) -> None:
    assert pvt.ok("scan", "--json").json == []
    add(pvt, "a", f"\n\n{SECRET}\n{OTHER}")
    add(pvt, "b", "nothing")
    result = pvt("scan", "--json")
    assert result.code == 5
    (found,) = result.json
    assert found["name"] == "a"
    assert found["places"] == [
        {"type": "GitHub Token", "line": 3},
        {"type": "AWS Access Key", "line": 5},
    ]
    assert KEY not in result.text
    assert pvt("scan").lines == [
        "a\tAWS Access Key\t5\theld back",
        "a\tGitHub Token\t3\theld back",
    ]


def test_redact_makes_a_version_without_the_key(pvt: Pvt) -> None:
    add(pvt, "deploy", SECRET)
    pvt.ok("set", "deploy", "--title", f"Uses {KEY}")
    pvt.ok("redact", "deploy")
    assert pvt.ok("get", "deploy").text == CLEAN
    found = row(pvt, "deploy")
    assert (found["version"], found["held_back"]) == (2, False)
    assert found["title"] == "Uses [redacted: GitHub Token]"
    assert pvt.ok("get", "deploy@1").text == SECRET
    assert pvt("scan").code == 0
    assert pvt.ok("scan", "--json").json[0]["sensitive_versions"] == [1]


def test_redact_takes_keys_out_of_variables(pvt: Pvt) -> None:
    declared = f"{{token: {{default: {KEY}, choices: [{KEY}, none]}}}}"
    add(pvt, "call", f"---\nvariables: {declared}\n---\nUse {{{{ token }}}}.")
    assert row(pvt, "call")["held_back"]
    pvt.ok("redact", "call")
    assert KEY not in pvt.ok("show", "call", "--json").text
    assert pvt.ok("get", "call").text == "Use [redacted: GitHub Token]."


def test_redaction_can_be_undone_and_redone(pvt: Pvt, git: Git) -> None:
    add(pvt, "deploy", SECRET)
    pvt.ok("redact", "deploy")
    pvt.ok("redact", "--undo", "deploy")
    assert pvt.ok("get", "deploy").text == SECRET
    assert row(pvt, "deploy")["held_back"]
    pvt.ok("redact", "--all")
    assert pvt.ok("get", "deploy").text == CLEAN
    assert pvt.ok("doctor", "--json").json["problems"] == []
    assert git("show", "main:deploy.md").endswith(CLEAN)


def test_undo_brings_back_every_field_also_from_before_a_move(pvt: Pvt) -> None:
    add(pvt, "deploy", SECRET)
    title, description = f"Uses {KEY}", f"With {OTHER}"
    pvt.ok("set", "deploy", "--title", title, "--description", description)
    pvt.ok("set", "deploy", "--tag", KEY, "--tag", "work")
    pvt.ok("redact", "deploy")
    pvt.ok("move", "deploy", "work/release")
    assert KEY.lower() not in pvt.ok("show", "release", "--json").text.lower()
    (done,) = pvt.ok("redact", "--undo", "release", "--json").json
    assert done["not_restored"] == []
    found = row(pvt, "release")
    assert (found["title"], found["description"]) == (title, description)
    assert found["tags"] == [KEY.lower(), "work"]
    assert (found["body"], found["held_back"]) == (SECRET, True)
    assert pvt.ok("doctor", "--json").json["problems"] == []


def test_undo_brings_back_a_title_where_the_text_had_no_key(pvt: Pvt) -> None:
    add(pvt, "deploy", "Deploy it.")
    pvt.ok("set", "deploy", "--title", f"Uses {KEY}")
    pvt.ok("redact", "deploy")
    pvt.ok("set", "deploy", "--description", "edited since")
    pvt.ok("redact", "--undo", "deploy")
    found = row(pvt, "deploy")
    assert (found["title"], found["description"]) == (f"Uses {KEY}", "edited since")
    assert (found["version"], found["held_back"]) == (1, True)
    assert pvt("redact", "--undo", "deploy").code == 5


def test_undo_says_what_it_did_not_find(pvt: Pvt) -> None:
    add(pvt, "deploy", SECRET)
    pvt.ok("set", "deploy", "--title", "Uses [redacted: GitHub Token]")
    pvt.ok("redact", "deploy")
    result = pvt.ok("redact", "--undo", "deploy")
    assert "Not restored: title of deploy" in result.err
    assert pvt.ok("get", "deploy").text == SECRET


def test_undo_refuses_what_was_edited_since(pvt: Pvt) -> None:
    add(pvt, "deploy", SECRET)
    pvt.ok("redact", "deploy")
    pvt.ok("add", "deploy", "Now it is another text.", "--upsert")
    assert pvt("redact", "--undo", "deploy").code == 5
    assert pvt.ok("get", "deploy").text == "Now it is another text."


def test_allowed_prompt_is_held_back_again_for_another_key(pvt: Pvt) -> None:
    add(pvt, "deploy", SECRET)
    pvt.ok("set", "deploy", "--allow-secrets")
    assert row(pvt, "deploy")["held_back"] is False
    assert pvt("scan").code == 0
    pvt.ok("add", "deploy", f"{SECRET}, truly", "--upsert")
    assert row(pvt, "deploy")["held_back"] is False
    pvt.ok("add", "deploy", f"{SECRET} and {OTHER}", "--upsert")
    assert row(pvt, "deploy")["held_back"]


def test_a_newer_draft_with_a_key_is_not_allowed_unasked(
    pvt: Pvt, tmp_path: Path
) -> None:
    bring = Bring(pvt, tmp_path / "export.json")
    bring(asked("c1", SECRET))
    (found,) = pvt.ok("list", "--json").json
    pvt.ok("set", found["name"], "--allow-secrets")
    assert row(pvt, found["name"])["held_back"] is False
    pvt.ok("set", found["name"], "--no-allow-secrets")
    assert row(pvt, found["name"])["held_back"]


def test_what_is_allowed_survives_export_and_a_rebuild(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pvt, "deploy", SECRET)
    add(pvt, "other", f"Another {OTHER}")
    pvt.ok("set", "deploy", "--allow-secrets")
    pvt.ok("export", str(tmp_path / "all.json"))
    home = Path(pvt.ok("config", "path", "--json").json["vault"])
    home.unlink()
    pvt.ok("doctor", "--repair")
    assert [row(pvt, n)["held_back"] for n in ("deploy", "other")] == [False, True]
    monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / "elsewhere"))
    pvt.ok("import", str(tmp_path / "all.json"))
    assert [row(pvt, n)["held_back"] for n in ("deploy", "other")] == [False, True]


@pytest.mark.parametrize(
    "words", [(), ("deploy", "--all"), ("--all", "--undo"), ("--undo",)]
)
def test_redact_wants_to_know_what(pvt: Pvt, words: tuple[str, ...]) -> None:
    add(pvt, "deploy", SECRET)
    assert pvt("redact", *words).code == 2


def test_nothing_is_redacted_when_one_name_is_wrong(pvt: Pvt) -> None:
    add(pvt, "deploy", SECRET)
    assert pvt("redact", "deploy", "nowhere").code == 3
    assert pvt.ok("get", "deploy").text == SECRET
