"""JSON rows of what `doctor` found."""

from datetime import datetime
from pathlib import Path

from promptvault.cli.rows.prompts import Row, time_row
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


def unsaved_row(path: Path, modified_at: datetime) -> Row:
    """Return the file of an unsaved edit as `doctor --json` prints it."""
    return {"path": str(path), "modified_at": time_row(modified_at)}
