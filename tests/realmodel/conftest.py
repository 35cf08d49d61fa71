"""One server for all tests here."""

import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.realmodel.weights import PATH


def _missing() -> str:
    """Return what is not installed, '' if nothing is missing."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "the extra 'realmodel'"
    return "" if PATH.exists() else "'python -m tests.realmodel.weights'"


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Return the address of the server.

    Where the wheels install, CI has to have installed them.
    """
    if missing := _missing():
        is_expected = (platform.system(), platform.machine()) == ("Linux", "x86_64")
        if os.environ.get("CI") and is_expected:
            pytest.fail(f"There is no real model: {missing} is missing.")
        pytest.skip(f"needs {missing}")
    command = [sys.executable, "-m", "tests.realmodel.serve", str(PATH)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture
def model(address: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings name the model."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
    monkeypatch.setenv("PROMPTVAULT_AI_MODEL", "smollm2")
    monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "0")
