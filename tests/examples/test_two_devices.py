"""examples/two-devices.sh, run completely: its texts are true."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.memory import memory_folder

SCRIPT = Path(__file__).parents[2] / "examples" / "two-devices.sh"
BESIDE = Path(sys.executable).parent
"""Where `promptvault` is installed."""

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="a script for bash, and kill -9"
)


def run(*folders: Path) -> tuple[int, str]:
    """Run the script with *folders* first on the PATH; return its code and output."""
    path = os.pathsep.join([*map(str, folders), str(BESIDE), os.environ["PATH"]])
    # A short path, because the server's socket is below it.
    with tempfile.TemporaryDirectory(dir=memory_folder()) as work:
        done = subprocess.run(
            [str(SCRIPT)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path, "TMPDIR": work},
            timeout=600,
            check=False,
        )
    return done.returncode, done.stdout.decode()


def chapters(output: str) -> dict[str, str]:
    """Return the text of each chapter, by the first words of its heading."""
    parts = re.split(r"^== (.+)\n", output, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_story_of_two_devices() -> None:
    code, output = run()
    assert code == 0, output
    told = chapters(output)
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
    for start, lines in expected.items():
        (text,) = (text for heading, text in told.items() if heading.startswith(start))
        for line in lines:
            assert line in text, output


def test_a_device_that_lacks_something_is_named(tmp_path: Path) -> None:
    """The script must not report success whatever happens."""
    deaf = tmp_path / "promptvault"
    deaf.write_text(
        '#!/bin/sh\ncase "$PROMPTVAULT_HOME $*" in */desk\\ sync) exit 0;; esac\n'
        f'exec {BESIDE}/promptvault "$@"\n'
    )
    deaf.chmod(0o755)
    code, output = run(tmp_path)
    assert code == 1, output
    assert "FAILED: the devices differ in 'get release'" in output
