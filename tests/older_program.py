"""The program as it was before an earlier commit, from the git history."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BEFORE_TEAMS = "promptvault/domain/protected_label.py"
"""The file whose commit began jobs, teams and shares."""


def unpack_program(before: str, folder: Path) -> Path:
    """Write the program from before *before* was added to *folder*; return that.

    It is for PYTHONPATH. A clone without history skips the test, and says so.
    """
    added = _git("log", "--diff-filter=A", "--format=%H", "--", before).split()
    parents = _git("rev-list", "--parents", "-1", added[-1].decode()).split()[1:]
    if not parents:
        pytest.skip("this clone has no history: 'git fetch --unshallow' brings it")
    archive = _git("archive", parents[0].decode(), "promptvault")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
