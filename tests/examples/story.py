"""The stories in examples/, run completely: their texts are true."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.memory import memory_folder

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = Path(sys.executable).parent
"""Where `promptvault` is installed."""


def run_story(script: str, *folders: Path) -> tuple[int, str]:
    """Run a script with *folders* first on the PATH; return its code and output."""
    path = os.pathsep.join([*map(str, folders), str(PROGRAMS), os.environ["PATH"]])
    # A short path, because the server's socket is below it.
    with tempfile.TemporaryDirectory(dir=memory_folder()) as work:
        done = subprocess.run(
            [str(EXAMPLES / script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path, "TMPDIR": work},
            timeout=600,
            check=False,
        )
    return done.returncode, done.stdout.decode()


def chapters(output: str) -> dict[str, str]:
    """Return the text of each chapter, by its heading."""
    parts = re.split(r"^== (.+)\n", output, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def assert_told(output: str, expected: dict[str, tuple[str, ...]]) -> None:
    """Assert that each chapter, by the start of its heading, has its lines."""
    told = chapters(output)
    for start, lines in expected.items():
        (text,) = (text for heading, text in told.items() if heading.startswith(start))
        for line in lines:
            assert line in text, output
