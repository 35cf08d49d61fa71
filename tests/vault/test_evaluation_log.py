"""The record of evaluations: what is kept comes back as it was."""

from pathlib import Path

import pytest

from promptvault.errors import VaultError
from promptvault.vault.evaluation_log import Evaluation, evaluations, keep
from tests.conftest import NOON

KEPT = Evaluation(
    prompt_id="p1",
    version_id="v1",
    version=1,
    against_version=None,
    system_version_id=None,
    created_at=NOON,
    model="m",
    judge="",
    cases_digest="d",
    passed=False,
    results=[
        {"name": "ü", "passed": True, "passed_before": None, "failures": []},
        {
            "name": "b",
            "passed": False,
            "passed_before": True,
            "failures": [{"check": "contains", "reason": "lacks “x\ud800”"}],
        },
    ],
    requests=2,
    cached=1,
    input_tokens=3,
    output_tokens=4,
    cost=None,
    seconds=0.5,
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "data" / "activity.db"


def test_what_is_kept_comes_back(log: Path) -> None:
    number = keep(log, KEPT)
    (entry,) = evaluations(log, "p1")
    assert (entry.id, entry.evaluation) == (number, KEPT)
    assert entry.evaluation.passed_cases == 1


def test_the_latest_comes_first_and_each_prompt_has_its_own(log: Path) -> None:
    numbers = [
        keep(log, KEPT),
        keep(log, KEPT._replace(version_id="v2", against_version=1, cost=0.25)),
        keep(log, KEPT._replace(prompt_id="p2")),
    ]
    assert [entry.id for entry in evaluations(log, "p1")] == [numbers[1], numbers[0]]
    assert [entry.id for entry in evaluations(log, "p1", "v1")] == [numbers[0]]
    assert evaluations(log, "p2", "v2") == []


def test_no_record_is_made_by_looking(log: Path) -> None:
    assert evaluations(log, "p1") == []
    assert not log.parent.exists()


def test_a_damaged_record(log: Path) -> None:
    log.parent.mkdir()
    log.write_bytes(b"not a database" * 100)
    with pytest.raises(VaultError):
        evaluations(log, "p1")
