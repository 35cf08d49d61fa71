"""examples/team.sh, run completely: its texts are true."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.examples.story import EXAMPLES, assert_told, run_story

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a script for bash")


def test_the_story_of_a_team() -> None:
    code, output = run_story("team.sh")
    assert code == 0, output
    expected = {
        "Ada makes a team": (
            "You are in the team acme (editor)",
            "Error: There is no such invitation",
        ),
        "What one writes": ("Ada has Bob's version, and nothing of his own vault.",),
        "Ada protects the label": (
            "Error: Only admins of the team may move the label 'approved'",
            "Error: Your role in this team is editor",
        ),
        "Bob becomes an admin": ("Cy has the version that Bob approved.",),
        "Dan is removed": ("left", "Dan reads what he had, and cannot change it."),
        "The tier allows fewer": (
            "1 prompt is held back",
            "It was sent as soon as the tier had room.",
        ),
        "Bob shows the approved": (
            "stranger$ promptvault get http",
            "    Review this diff, line by line.\n    Name what breaks.\n",
        ),
        "Ada, the owner, ends it": ("Ended 1 share.",),
        "The end": ("Everybody could do what the team allows",),
    }
    assert_told(output, expected)


def test_what_should_be_refused_and_is_not_ends_a_story(tmp_path: Path) -> None:
    program = tmp_path / "promptvault"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    script = f". {EXAMPLES / 'story.sh'}; refused 4 bob label x; echo went on"
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1
    assert "'promptvault label x' ends with 0, not 4, for bob" in done.stdout
    assert "went on" not in done.stdout
