"""A sync whose server dies, or whose disk is full or read-only."""

import json
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.disk import fill, incompressible, modes, mounted, needs_linux
from tests.faults.hosting import Host, Served, serving
from tests.faults.program import (
    Result,
    Vault,
    assert_refused,
    bound_by_permissions,
    ended,
    finished,
)
from tests.faults.stage import End, Stage, new_stage
from tests.faults.wholeness import assert_whole, state

PROMPTS, AT_ONCE = 600, 20
"""Prompts of a first push, and how many of them the server accepts in a request."""
INCOMING = 12
KIB = 1024

# A server that is killed


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a server with its own database, which accepts small requests only."""
    few = {"PROMPTVAULT_SERVER_ITEMS_LIMIT": str(AT_ONCE)}
    with serving(tmp_path / "server", extra=few) as served:
        yield served


def _import(vault: Vault, prompts: int) -> None:
    rows = [{"name": f"bulk/{n:04}", "body": f"Text {n}."} for n in range(prompts)]
    vault.ok("import", "-", stdin=json.dumps(rows))


def test_a_server_killed_while_prompts_are_pushed(
    served: Served, tmp_path: Path
) -> None:
    """Each time a few requests later; every second time, the database dies too."""
    stage = new_stage(Host(served.url, served.cluster.address()), tmp_path / "stage")
    _import(stage.one.vault, PROMPTS)
    for number in range(2):
        with ended(stage.one.vault.start("sync")) as sync:
            _wait_for_answers(served, served.answers + 1 + number, sync.poll)
            served.end(signal.SIGKILL)
            if number % 2:
                served.kill_database()
            result = finished(sync)
        assert_refused(result, 6)
        served.start()
    stage.one.vault.quiet("sync")
    assert stage.settle() == []
    held = stage.end().holdings
    assert held == (PROMPTS, 0, PROMPTS, PROMPTS, 0, PROMPTS, PROMPTS)


def _wait_for_answers(
    served: Served, wanted: int, ended: Callable[[], int | None]
) -> None:
    while served.answers < wanted:
        assert ended() is None, "the sync was over before the server could be killed"
        time.sleep(0.01)


# A full disk


@pytest.fixture(scope="module")
def model(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Return two devices with changes to push and to pull; tests only copy them."""
    stage = new_stage(host, tmp_path_factory.mktemp("model") / "stage")
    stage.one.add("kept/one", "text")
    stage.one.sync()
    stage.two.sync()
    for number in range(INCOMING):
        stage.two.add(f"incoming/{number}", incompressible(8 * KIB))
    stage.two.edit("kept/one", "another text")
    stage.two.sync()
    stage.one.add("outgoing", "some text")
    return stage


@pytest.fixture
def stage(model: Stage, tmp_path: Path) -> Stage:
    """Return two devices with changes to push and to pull."""
    return model.copy(tmp_path / "stage")


@pytest.fixture(scope="module")
def wanted(model: Stage, tmp_path_factory: pytest.TempPathFactory) -> End:
    """Return the state after a sync without faults."""
    stage = model.copy(tmp_path_factory.mktemp("well"))
    stage.one.vault.quiet("sync")
    assert stage.settle() == []
    return stage.end()


def _assert_ends_well(stage: Stage, wanted: End) -> None:
    stage.one.vault.quiet("sync")
    assert_whole(stage.one.vault)
    assert stage.settle() == []
    assert stage.end() == wanted


@needs_linux
@pytest.mark.parametrize("kib", [0, 8, 64, 128, 256])
def test_no_file_may_grow(stage: Stage, wanted: End, kib: int) -> None:
    """RLIMIT_FSIZE: every write beyond so many KiB fails, in git and in SQLite."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * KIB, kib * KIB))

    before = state(stage.one.vault)
    _assert_all_or_nothing(stage, before, stage.one.vault.run("sync", before=limit))
    _assert_ends_well(stage, wanted)


@needs_linux
@pytest.mark.parametrize("spare", [0, 32, 96, 192, 320, 448])
def test_full_disk(stage: Stage, wanted: End, tmp_path: Path, spare: int) -> None:
    """With so many KiB free, a pull is complete, in SQLite only, or not there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=6m", "none", str(disk)):
        home = Path(shutil.move(stage.one.home, disk / "one"))
        stage = replace(stage, one=replace(stage.one, home=home))
        before = state(stage.one.vault)
        fill(disk / "ballast", spare)
        synced = stage.one.vault.run("sync")
        assert stage.one.vault.ok("list", "--plain")
        (disk / "ballast").unlink()
        _assert_all_or_nothing(stage, before, synced)
        _assert_ends_well(stage, wanted)


def _assert_all_or_nothing(stage: Stage, before: object, synced: Result) -> None:
    now = state(stage.one.vault)
    if synced.code == 0:
        assert "Received" in synced.err
        assert now.without("outgoing") == state(stage.two.vault)
    else:
        assert_refused(synced, 7)
        assert now == before or now.without("outgoing") == state(stage.two.vault)


# A read-only disk


@needs_linux
def test_read_only_disk(stage: Stage, wanted: End, tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    with mounted("--bind", "-o", "ro", str(stage.one.home), str(folder)):
        vault = Vault(folder)
        assert_refused(vault.here("sync"), 7)
        assert vault.json("sync", "status")["to_send"] == 1
    _assert_ends_well(stage, wanted)


@needs_linux
def test_read_only_modes(stage: Stage, wanted: End) -> None:
    before = state(stage.one.vault)
    with modes(stage.one.home / "data", 0o555, 0o444):
        refused = stage.one.vault.run("sync", before=bound_by_permissions())
        assert_refused(refused, 7)
    assert state(stage.one.vault) == before
    _assert_ends_well(stage, wanted)
