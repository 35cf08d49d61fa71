"""JSON rows of what `doctor` found."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from promptvault.cli.rows.prompts import Row, error_row, time_row
from promptvault.errors import PromptVaultError
from promptvault.services.health.doctor import Diagnosis


def diagnosis_row(diagnosis: Diagnosis) -> Row:
    """Return a diagnosis as `doctor --json` prints it."""
    return {
        "ok": not diagnosis.problems or diagnosis.repaired,
        "prompts": diagnosis.prompts,
        "versions": diagnosis.versions,
        "repaired": diagnosis.repaired,
        "problems": [
            {
                "part": problem.part.value,
                "message": problem.message,
                "remedy": problem.remedy,
            }
            for problem in diagnosis.problems
        ],
    }


def diagnoses_row(
    found: Mapping[str, Diagnosis], errors: Mapping[str, PromptVaultError]
) -> Row:
    """Return the diagnoses of all vaults: sums, and a row of each."""
    rows = [
        {"name": name, **diagnosis_row(each), "error": None}
        for name, each in found.items()
    ]
    for name, error in errors.items():
        nothing = diagnosis_row(Diagnosis())
        rows.append({"name": name, **nothing, "ok": False, "error": error_row(error)})
    problems = [
        {"vault": row["name"], **problem}
        for row in rows
        for problem in row.pop("problems")
    ]
    return {
        "ok": all(row["ok"] for row in rows),
        "prompts": sum(row["prompts"] for row in rows),
        "versions": sum(row["versions"] for row in rows),
        "repaired": any(row["repaired"] for row in rows),
        "problems": problems,
        "vaults": rows,
    }


def backup_rows(
    saved: Sequence[str], errors: Mapping[str, PromptVaultError]
) -> list[Row]:
    """Return the vaults of a backup, and those that could not be saved."""
    rows: list[Row] = [{"name": name, "error": None} for name in saved]
    return rows + [
        {"name": name, "error": error_row(error)} for name, error in errors.items()
    ]


def unsaved_row(path: Path, modified_at: datetime) -> Row:
    """Return the file of an unsaved edit as `doctor --json` prints it."""
    return {"path": str(path), "modified_at": time_row(modified_at)}
