"""The record of evaluations is read as it was written."""

from pathlib import Path

from promptvault.vault.activity.evaluations import (
    EvaluationRecord,
    add_evaluation,
    read_evaluations,
)
from tests.conftest import NOON

KEPT = EvaluationRecord(
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


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    compared = KEPT._replace(against_version=1, cost=0.25, passed=True)
    numbers = add_evaluation(path, KEPT), add_evaluation(path, compared)
    second, first = read_evaluations(path, {"prompt_id": "p1"})
    assert (first.id, second.id) == numbers
    assert (first.evaluation, second.evaluation) == (KEPT, compared)
    assert first.evaluation.passed_cases == 1
