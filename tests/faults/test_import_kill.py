"""An import of a large file, which two processes do: each is killed, or interrupted."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import exports
from tests.faults.program import PATIENCE_SECONDS, Result, Vault, ended, finished
from tests.faults.wholeness import assert_whole

PROMPTS = 1_000
SIZE = 10_000
"""Characters of a prompt: the prompts do not fit into the pipe between both."""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("large") / "conversations.json"
    texts = (f"Explain topic {number}. ".ljust(SIZE, "x") for number in range(PROMPTS))
    chats = (exports.conversation(f"c{i}", text) for i, text in enumerate(texts))
    return exports.write(path, chats)


Importing = tuple[subprocess.Popen[str], int]
"""An import that is stopped, and the id of the process that reads for it."""


@pytest.fixture
def importing(filled: Vault, export: str) -> Iterator[Importing]:
    """Start an import, and stop it while its child reads."""
    with ended(filled.start("import", export)) as process:
        while not (reader := reader_of(process.pid)):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        yield process, reader


def reader_of(parent: int) -> int | None:
    """Return the child of *parent* that ignores Ctrl-C: git does not."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return next(filter(ignores_interrupts, map(int, children.split())), None)


def ignores_interrupts(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored.split()[1], 16) & 1 << signal.SIGINT - 1)


def continued(process: subprocess.Popen[str]) -> Result:
    process.send_signal(signal.SIGCONT)
    return finished(process)


def has_ended(process: int) -> bool:
    """Return True if *process* is gone, or only its exit code is left."""
    try:
        return not Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_reader_is_killed(importing: Importing, filled: Vault, export: str) -> None:
    process, reader = importing
    os.kill(reader, signal.SIGKILL)
    result = continued(process)
    assert "the process that read it was killed" in result.out + result.err
    assert "Traceback" not in result.err
    assert_whole(filled)
    report = json.loads(filled.ok("import", export, "--json"))
    assert report["unchanged"] == 0
    assert len(filled.names()) == 2 + PROMPTS
    assert_whole(filled)


def test_parent_is_killed(importing: Importing, filled: Vault, export: str) -> None:
    process, reader = importing
    process.kill()
    process.wait()
    end = time.monotonic() + PATIENCE_SECONDS / 10
    while not has_ended(reader) and time.monotonic() < end:
        time.sleep(0.01)
    assert has_ended(reader)
    assert filled.names() == ["kept/one", "kept/two"]
    filled.quiet("import", export)
    assert len(filled.names()) == 2 + PROMPTS
    assert_whole(filled)


def test_interrupted(importing: Importing, filled: Vault) -> None:
    process, reader = importing
    os.killpg(process.pid, signal.SIGINT)
    assert continued(process).code == 130
    assert not Path(f"/proc/{reader}").exists()  # nor is it a zombie
    assert filled.names() == ["kept/one", "kept/two"]
    filled.quiet("add", "new/one", "text")
    assert_whole(filled)
