"""The program as it was at an earlier commit, from the git history."""

import io
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEFORE_TEAMS = "b9e8924c331dbc4f9acb9094d53dc729e6df2962"
"""The last commit without jobs, teams and shares."""


def unpack_program(commit: str, folder: Path) -> Path:
    """Write the program of *commit* to *folder*, which is for PYTHONPATH; return it.

    It fails in a clone that lacks the commit: `git fetch --unshallow` brings it.
    """
    command = ["git", "-C", str(ROOT), "archive", commit, "promptvault"]
    archive = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder
