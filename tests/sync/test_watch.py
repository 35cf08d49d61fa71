"""Automatic syncs: `--watch`, and `sync.auto` after every change."""

import json
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from promptvault.vault.lock import exclusive, exclusive_if_free
from tests.server.conftest import Server
from tests.sync.machine import Machine
from tests.sync.waiting import DEADLINE, eventually


class Watched:
    """`sync --watch --json` as a process, and its output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def next(self) -> Any:
        """Return the report of the next sync that changed anything."""
        return json.loads(self._lines.get(timeout=DEADLINE))

    def said(self) -> str:
        """Return the next line on stderr."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def is_silent(self) -> bool:
        """Return True if everything that was printed has been read."""
        return self._lines.empty()

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C, and return the exit code and the rest of stderr."""
        self._process.send_signal(signal.SIGINT)
        return self.ends()

    def ends(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and the rest of stderr."""
        assert self._process.stderr is not None
        return self._process.wait(DEADLINE), self._process.stderr.read()


@pytest.fixture
def watch() -> Iterator[Callable[[Machine], Watched]]:
    """Return a function that watches the vault of a device; it has synced once then."""
    running: list[subprocess.Popen[str]] = []

    def start(machine: Machine) -> Watched:
        running.append(machine.start("sync", "--watch", "--json"))
        watched = Watched(running[-1])
        watched.next()
        return watched

    yield start
    for each in running:
        each.kill()
        each.communicate()


Watch = Callable[[Machine], Watched]


def test_an_edit_here_appears_there(
    desk: Machine, phone: Machine, watch: Watch
) -> None:
    here, there = watch(desk), watch(phone)
    desk.ok("add", "a", "of the desk")
    assert here.next()["pushed"] == 1
    assert there.next()["pulled"] == 1
    assert phone.ok("get", "a").text == "of the desk"
    phone.ok("add", "--upsert", "a", "of the phone")
    assert there.next()["pushed"] == 1
    assert here.next()["pulled"] == 1
    assert desk.ok("get", "a").text == "of the phone"
    assert here.stop() == (130, "")
    assert there.stop() == (130, "")
    assert here.is_silent()
    assert there.is_silent()


def test_a_settled_conflict_goes_out_by_itself(
    desk: Machine, phone: Machine, watch: Watch
) -> None:
    desk.ok("add", "a", "text")
    desk.sync()
    phone.sync()
    desk.ok("add", "--upsert", "a", "of the desk")
    phone.ok("add", "--upsert", "a", "of the phone")
    desk.sync()
    phone.sync()
    here = watch(desk)
    there = watch(phone)
    phone.ok("conflicts", "resolve", "a", "--theirs")
    assert there.next()["conflicts"] == 0
    assert here.next()["conflicts"] == 0


def test_own_changes_are_sent_once(
    desk: Machine, watch: Watch, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    here = watch(desk)
    capfd.readouterr()
    for number in range(3):
        desk.process("add", f"p{number}", "text")
        here.next()
    # One more, so that any sync that the last of them caused would be over by then.
    desk.process("add", "last", "text")
    here.next()
    here.stop()
    log = capfd.readouterr().err
    requests = [line for line in log.splitlines() if '"method": "POST"' in line]
    assert len(requests) == 4


def test_a_server_that_was_away_is_caught_up_with(
    desk: Machine,
    phone: Machine,
    watch: Watch,
    server: Server,
    start_server: Callable[..., Server],
) -> None:
    here = watch(desk)
    port = server.listener.getsockname()[1]
    server.stop()
    desk.ok("add", "a", "written offline")
    assert "as soon as the server answers" in here.said()
    start_server(port)
    assert here.next()["pushed"] == 1
    phone.sync()
    assert phone.ok("get", "a").text == "written offline"
    assert here.stop() == (130, "Connected again.\n")


def test_a_token_that_ends_ends_it(desk: Machine, phone: Machine, watch: Watch) -> None:
    here = watch(desk)
    phone.ok("logout", "--all")
    desk.ok("add", "a", "text")
    code, said = here.ends()
    assert code == 4
    assert "sign in" in said


@pytest.fixture
def auto(desk: Machine) -> Machine:
    """Return a device with automatic sync that has synced once."""
    desk.sync()
    desk.ok("config", "set", "sync.auto", "true")
    return desk


def test_a_change_is_synced_by_itself(
    auto: Machine, phone: Machine, watch: Watch
) -> None:
    there = watch(phone)
    result = auto.process("add", "a", "text")
    assert (result.code, result.out, result.err) == (0, b"", "Added a (version 1).\n")
    assert there.next()["pulled"] == 1
    auto.ok("delete", "a")
    assert there.next()["pulled"] == 1


def test_many_changes_start_few_syncs_and_the_last_one_goes(
    auto: Machine, phone: Machine, watch: Watch
) -> None:
    there = watch(phone)
    with exclusive(auto.home / "data" / "sync.lock", lambda: None):
        for number in range(20):
            auto.ok("add", f"p{number}", "text")
    assert there.next()["pulled"] == 20
    auto.ok("add", "last", "text")
    assert there.next()["pulled"] == 1


def test_a_change_during_a_sync_starts_another(auto: Machine) -> None:
    data = auto.home / "data"
    auto.ok("add", "a", "text")
    with exclusive(data / "vault.lock", lambda: None):  # so that the sync goes on
        eventually(lambda: is_held(data / "sync.lock"))
        assert not is_held(data / "sync-turn.lock")


def is_held(lock: Path) -> bool:
    """Return True if another process holds *lock*."""
    with exclusive_if_free(lock) as is_free:
        return not is_free


def test_nothing_is_started_without_a_link_or_a_sign_in(desk: Machine) -> None:
    desk.ok("config", "set", "sync.auto", "true")
    desk.ok("add", "a", "not linked")
    assert not (desk.home / "data" / "sync-turn.lock").exists()
    desk.sync()
    desk.ok("logout")
    desk.ok("add", "b", "not signed in")
    assert not (desk.home / "data" / "sync-turn.lock").exists()


def test_off_is_the_default(desk: Machine) -> None:
    desk.sync()
    desk.ok("add", "a", "text")
    assert not (desk.home / "data" / "sync-turn.lock").exists()


def test_what_goes_wrong_stands_in_the_log_and_in_status(
    auto: Machine, server: Server
) -> None:
    server.stop()
    auto.ok("add", "a", "text")
    log = auto.home / "state" / "promptvault.log"
    eventually(lambda: log.exists() and "cannot be reached" in log.read_text())
    row = auto.ok("sync", "status", "--json").json
    assert "cannot be reached" in row["last_problem"]
    assert "cannot be reached" in auto.ok("sync", "status").text


def test_a_token_that_cannot_be_read_stands_in_status(auto: Machine) -> None:
    (kept,) = (auto.home / "credentials").iterdir()
    kept.write_text("no token\n\n")
    auto.ok("add", "a", "text")
    eventually(lambda: "not signed in" in auto.ok("sync", "status").text)
    row = auto.ok("sync", "status", "--json").json
    assert "You are not signed in" in row["last_problem"]
