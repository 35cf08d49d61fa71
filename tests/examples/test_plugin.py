"""The example importer of another package, installed and used as users do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Process

EXAMPLE = Path(__file__).parents[2] / "examples" / "org-importer"
BROKEN = """[promptvault.importers]
gone = promptvault_no_such_module:IMPORTER
wrong = json:dumps
taken = promptvault_taken:IMPORTER
"""
TAKEN = """from promptvault.importers import Importer
IMPORTER = Importer("chatgpt", lambda document: True, lambda document: iter(()))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the example was installed into."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
    subprocess.run([*command, "--target", folder, EXAMPLE], check=True)
    return folder


@pytest.fixture
def plugged(
    installed: Path, pvt_process: Process, monkeypatch: pytest.MonkeyPatch
) -> Process:
    """Return the program with the example installed."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    return pvt_process


def test_source_of_another_package_is_known(plugged: Process) -> None:
    report = plugged("import", str(EXAMPLE / "notes.org"), "--json").json
    assert (report["source"], report["added"], report["failed"]) == ("org", 2, [])
    names = plugged("list", "--plain").lines
    assert names == ["org/agenda-from-a-thread", "org/review-a-change"]
    shown = plugged("show", "review-a-change", "--json").json
    assert shown["title"] == "Review a change"
    assert shown["tags"] == ["code"]
    assert shown["body"].startswith("Review this change.")


def test_file_that_changed_brings_a_version(plugged: Process, tmp_path: Path) -> None:
    notes = tmp_path / "notes.org"
    text = (EXAMPLE / "notes.org").read_text()
    notes.write_text(text)
    plugged("import", str(notes))
    notes.write_text(text.replace("Leave out praise.", "Be kind."))
    report = plugged("import", str(notes), "--json").json
    assert (report["added"], report["updated"], report["duplicates"]) == (0, 1, 1)
    assert plugged("get", "review-a-change").text.endswith("Be kind.")


def test_source_can_be_named(plugged: Process) -> None:
    refused = plugged("import", "--source", "nothing", str(EXAMPLE / "notes.org"))
    assert refused.code == 2
    assert "org" in refused.err
    named = plugged("import", "--source", "org", str(EXAMPLE / "notes.org"))
    assert named.code == 0


def test_broken_package_spoils_no_import(
    pvt_process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "broken-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken\nVersion: 1\n"
    )
    (package / "entry_points.txt").write_text(BROKEN)
    (tmp_path / "promptvault_taken.py").write_text(TAKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "prompt.txt").write_text("Tidy this up.")
    report = pvt_process("import", str(tmp_path / "prompt.txt"), "--json").json
    assert (report["source"], report["added"]) == ("text", 1)
    reasons = {failure["where"]: failure["reason"] for failure in report["failed"]}
    assert len(reasons) == 3
    assert (
        "cannot be imported"
        in reasons["importer gone (promptvault_no_such_module:IMPORTER)"]
    )


FAULTS = {
    "probe": "raise ValueError('x')",
    "read": "yield Candidate((Draft('Good one'),)); raise KeyError('x')",
    "rubbish": "yield 'text'; yield Candidate(()); yield Candidate((Draft(None),))",
}
FAULTY = """from promptvault.importers import Candidate, Draft, Importer
def probe(document):
    {probe}
    return document.name.endswith(".faulty")
def read(document):
    {read}
IMPORTER = Importer("faulty", probe, read)
"""


@pytest.mark.parametrize(
    ("fault", "added", "failed"), [("probe", 1, 1), ("read", 2, 1), ("rubbish", 1, 3)]
)
def test_importer_that_fails_costs_its_own_files_only(
    fault: str,
    added: int,
    failed: int,
    tmp_path: Path,
    pvt_process: Process,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, notes = tmp_path / "site", tmp_path / "prompts"
    about = site / "faulty-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    group = "[promptvault.importers]\nfaulty = promptvault_faulty:IMPORTER\n"
    (about / "entry_points.txt").write_text(group)
    parts = {"probe": "pass", "read": "yield from ()"}
    parts["probe" if fault == "probe" else "read"] = FAULTS[fault]
    (site / "promptvault_faulty.py").write_text(FAULTY.format(**parts))
    notes.mkdir()
    (notes / "a.md").write_text("Be kind.")
    (notes / "b.faulty").write_text("Be brief.")
    monkeypatch.setenv("PYTHONPATH", str(site))
    report = pvt_process("import", str(notes), "--json").json
    assert (report["added"], len(report["failed"])) == (added, failed)
