"""A vault for each test, a server, and the library that kills processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disk import mounted
from tests.faults.hosting import Host, hosted
from tests.faults.program import Vault, editor
from tests.server.conftest import postgres  # noqa: F401 - a fixture


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Return a vault that does not exist yet."""
    return Vault(tmp_path / "home")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """Return a vault of two prompts, one with two versions; tests only copy it."""
    folder = tmp_path_factory.mktemp("pristine")
    vault = Vault(folder / "home")
    vault.ok("add", "kept/one", "the first wording", "--tag", "kept")
    vault.ok("add", "kept/two", "never touched")
    vault.with_(EDITOR=editor(folder, "the second wording\n")).ok("edit", "kept/one")
    return vault


@pytest.fixture
def filled(pristine: Vault, tmp_path: Path) -> Vault:
    """Return a vault of two prompts, one with two versions."""
    return duplicate(pristine, tmp_path / "home")


def duplicate(vault: Vault, home: Path) -> Vault:
    """Copy *vault* to another home."""
    shutil.copytree(vault.home, home)
    return Vault(home)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 2 MiB, if that is permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=2m", "none", str(folder)):
        yield folder


@pytest.fixture(scope="session")
def host(
    postgres: str,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Host]:
    """Return a server that runs during all walks."""
    with hosted(postgres, tmp_path_factory.mktemp("server")) as host:
        yield host


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library that kills its process group at a chosen call."""
    compiler = next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))), None)
    if compiler is None or not sys.platform.startswith("linux"):
        _unavailable("Killing at a chosen call takes Linux and a C compiler.")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    command = [
        str(compiler),
        "-shared",
        "-fPIC",
        "-O1",
        "-o",
        str(library),
        str(source),
    ]
    subprocess.run([*command, "-ldl"], check=True)
    return library


def _unavailable(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
