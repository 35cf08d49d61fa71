"""examples/two-devices.sh, run completely: its texts are true."""

import os
from pathlib import Path

import pytest

from tests.examples.story import PROGRAMS, assert_told, run_story

SCRIPT = "two-devices.sh"

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="a script for bash, and kill -9"
)


def test_the_story_of_two_devices() -> None:
    code, output = run_story(SCRIPT)
    assert code == 0, output
    expected = {
        "Both change the prompt": (
            "merged 1",
            "Read the whole diff.\n    Name what breaks.\n    Write the notes, in Spa",
        ),
        "Both change the same line": (
            "1 conflict",
            "-Skim the whole diff.\n    +Read the whole diff twice.",
            "release: resolved",
        ),
        "One deletes what the other edits": (
            "Deleted standup",
            "laptop$ promptvault get standup\n"
            "    What did I do yesterday, and what is next?",
        ),
        "The server is killed": (
            "The server is killed (-9).\n    Error: ",
            "All 1200 notes are on both devices and on the server, once.",
        ),
        "The server is restored": (
            "Devices compare 1 vault with the server.",
            "What was written after the backup is on the server again.",
        ),
        "The end": ("Both devices hold the same: 1202 prompts",),
    }
    assert_told(output, expected)


def test_a_device_that_lacks_something_is_named(tmp_path: Path) -> None:
    """The script must not report success whatever happens."""
    deaf = tmp_path / "promptvault"
    deaf.write_text(
        '#!/bin/sh\ncase "$PROMPTVAULT_HOME $*" in */desk\\ sync) exit 0;; esac\n'
        f'exec {PROGRAMS}/promptvault "$@"\n'
    )
    deaf.chmod(0o755)
    code, output = run_story(SCRIPT, tmp_path)
    assert code == 1, output
    assert "FAILED: the devices differ in 'get release'" in output
