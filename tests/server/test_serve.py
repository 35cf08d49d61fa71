"""`promptvault serve` as a process: its database, its workers, its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from promptvault.server.postgres.embedded import Cluster, database_owner, owned
from tests.conftest import Process, Pvt
from tests.server.conftest import EMAIL, ServerProcess

Start = Callable[..., ServerProcess]

_PAUSE = 0.02


@pytest.fixture(autouse=True)
def without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove variables that the machine may have set."""
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def folder(home: Path) -> Iterator[Path]:
    """Return the folder of the embedded database, which is stopped at the end."""
    place = home / "data" / "server-postgres"
    yield place
    if (place / "password").exists():
        Cluster(place).stop()


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an embedded database that has a schema, and is stopped."""
    folder = tmp_path_factory.mktemp("made")
    with owned(folder):
        pass
    return folder


@pytest.fixture
def made(folder: Path, made_folder: Path) -> Path:
    """Return the folder of the embedded database, which need not be made any more."""
    folder.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", made_folder, folder], check=True)  # with the owners
    return folder


def _me(url: str, token: str) -> httpx.Response:
    return httpx.get(f"{url}/v1/me", headers={"Authorization": f"Bearer {token}"})


def _children(pid: int) -> list[int]:
    """Return the workers of the server *pid*."""
    proc = Path("/proc")
    children = (proc / f"{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in (proc / child / "cmdline").read_bytes()
    ]


def test_all_that_is_needed_is_there_at_once(
    server_process: Start, pvt: Pvt, folder: Path
) -> None:
    running = server_process()
    pvt.ok("server", "user", "add", EMAIL, "--tier", "pro")
    token = pvt.ok("server", "token", EMAIL, "--json").json["token"]
    me = _me(running.url, token).json()
    assert (me["email"], me["tier"]) == (EMAIL, "pro")
    assert running.stop() == 0
    assert not Cluster(folder).answers()
    again = server_process()
    assert _me(again.url, token).status_code == 200
    assert again.stop(signal.SIGINT) == 130
    assert not Cluster(folder).answers()


def test_the_database_is_for_its_owner_alone(
    server_process: Start, folder: Path, pvt: Pvt
) -> None:
    server_process()
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "password").stat().st_mode & 0o077 == 0
    cluster = Cluster(folder)
    with psycopg.connect(cluster.address()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchall() == [("",)]
    (folder / "password").write_text("wrong")
    assert not cluster.answers()


@pytest.mark.parametrize("victim", ["serve", "both"])
def test_after_a_kill_everything_is_still_there(
    server_process: Start, pvt: Pvt, made: Path, victim: str
) -> None:
    running = server_process()
    pvt.ok("server", "user", "add", EMAIL)
    token = pvt.ok("server", "token", EMAIL, "--json").json["token"]
    if victim == "both":
        os.kill(running.process.pid, signal.SIGSTOP)  # so that it sees nothing of it
        os.kill(_postmaster(made), signal.SIGKILL)
    running.stop(signal.SIGKILL)
    assert pvt.ok("server", "user", "list", "--json").json[0]["email"] == EMAIL
    again = server_process()
    assert _me(again.url, token).status_code == 200


@pytest.mark.parametrize(
    ("workers", "by"), [("1", signal.SIGQUIT), ("2", signal.SIGKILL)]
)
def test_a_server_ends_with_its_database(
    server_process: Start, pvt: Pvt, made: Path, workers: str, by: int
) -> None:
    """A service manager starts it again; without a database it can only refuse."""
    running = server_process("--workers", workers)
    pvt.ok("server", "user", "add", EMAIL)
    os.kill(_postmaster(made), by)
    assert running.process.wait(60) == 6
    last = json.loads(running.log.read_text().splitlines()[-1])
    assert last["error"]["code"] == "unavailable"
    assert "its database has ended" in last["error"]["message"]
    again = server_process()
    assert httpx.get(f"{again.url}/readyz").status_code == 200
    assert pvt.ok("server", "user", "list", "--json").json[0]["email"] == EMAIL


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_ends_all_processes_at_once_hears_of_no_failure(
    server_process: Start, made: Path, workers: str
) -> None:
    """As systemd does."""
    running = server_process("--workers", workers)
    os.kill(_postmaster(made), signal.SIGTERM)
    for worker in _children(running.process.pid):
        os.kill(worker, signal.SIGTERM)
    assert running.stop() == 0


def _postmaster(folder: Path) -> int:
    return int((folder / "cluster/postmaster.pid").read_text().split()[0])


def test_a_stale_process_id_that_another_process_has_is_ignored(
    server_process: Start, made: Path
) -> None:
    running = server_process()
    assert running.stop() == 0
    user = database_owner()  # PostgreSQL ignores processes of other users
    with subprocess.Popen(["sleep", "600"], user=user and user.pw_uid) as other:
        stale = f"{other.pid}\n{made / 'cluster'}\n1\n5432\n{made}\n\n1 1\nready\n"
        (made / "cluster/postmaster.pid").write_text(stale)
        again = server_process()
        assert httpx.get(f"{again.url}/readyz").status_code == 200
        other.kill()


def test_of_two_servers_on_one_folder_the_second_is_refused(
    server_process: Start, pvt_process: Process, made: Path
) -> None:
    running = server_process()
    second = pvt_process("serve", "--port", "0", "--json")
    assert second.code == 5
    assert second.error["code"] == "conflict"
    assert httpx.get(f"{running.url}/readyz").status_code == 200


def test_a_path_that_is_too_long_for_a_socket(
    server_process: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_HOME", str(home / ("long" * 30)))
    running = server_process()
    assert httpx.get(f"{running.url}/readyz").status_code == 200


def test_two_workers_share_a_socket_and_count_together(
    server_process: Start, database_url: str
) -> None:
    running = server_process("--database-url", database_url, "--workers", "2")
    first, second = _wait_for_workers(running)
    for _ in range(20):
        assert httpx.get(f"{running.url}/readyz").status_code == 200
    counted = httpx.get(f"{running.url}/metrics").text
    assert 'route="readyz",status="200"} 20.0' in counted
    os.kill(first, signal.SIGKILL)
    for _ in range(20):
        assert httpx.get(f"{running.url}/readyz", timeout=60).status_code == 200
    while len(workers := _wait_for_workers(running)) < 2 or first in workers:
        time.sleep(_PAUSE)
    assert second in workers
    assert running.stop() == 0
    lines = map(json.loads, running.log.read_text().splitlines())
    (ended,) = [line for line in lines if "replaced" in line["event"]]
    assert (ended["level"], ended["exit_code"]) == ("warning", -signal.SIGKILL)


def _wait_for_workers(running: ServerProcess) -> list[int]:
    while len(workers := _children(running.process.pid)) < 2:
        time.sleep(_PAUSE)
    return workers


def test_workers_end_with_the_process_that_started_them(
    server_process: Start, database_url: str
) -> None:
    running = server_process("--database-url", database_url, "--workers", "2")
    port = int(running.url.rpartition(":")[2])
    _wait_for_workers(running)
    running.stop(signal.SIGKILL)
    while True:  # the port is free as soon as the last of them has ended
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(_PAUSE)
            continue
        break


def test_ctrl_c_ends_workers(server_process: Start, database_url: str) -> None:
    running = server_process("--database-url", database_url, "--workers", "2")
    assert running.stop(signal.SIGINT) == 130


def test_a_given_database_is_migrated_by_hand(
    server_process: Start, pvt_process: Process, empty_database_url: str
) -> None:
    given = ("--database-url", empty_database_url)
    refused = pvt_process("serve", "--json", *given)
    assert refused.code == 6
    assert "server migrate" in refused.error["message"]
    assert pvt_process("server", "user", "add", EMAIL, *given).code == 6
    migrated = pvt_process("server", "migrate", "--json", *given).json
    assert migrated["revision"] == migrated["newest"]
    running = server_process(*given)
    assert httpx.get(f"{running.url}/readyz").status_code == 200


def test_instances_on_one_database_know_each_others_tokens(
    server_process: Start, pvt: Pvt, database_url: str
) -> None:
    given = ("--database-url", database_url)
    first = server_process(*given)
    pvt.ok("server", "user", "add", EMAIL, *given)
    token = pvt.ok("server", "token", EMAIL, *given).text.strip()
    second = server_process(*given)
    assert _me(first.url, token).status_code == 200
    assert _me(second.url, token).status_code == 200


def test_a_port_that_is_taken(pvt_process: Process, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = ("--database-url", database_url, "--port", str(port))
        result = pvt_process("serve", "--json", *given)
    assert result.code == 6
    assert str(port) in result.error["message"]


@pytest.mark.parametrize(
    "command", ["serve", "server user list", "server migrate", "server token a@b"]
)
def test_a_database_that_does_not_answer(pvt_process: Process, command: str) -> None:
    url = "postgresql://ada:tell-nobody@127.0.0.1:1/nowhere"
    result = pvt_process(*command.split(), "--database-url", url)
    assert result.code == 6
    assert result.text == ""
    assert "tell-nobody" not in result.err
    assert "Traceback" not in result.err


_WITHOUT = """
import sys
sys.modules["fastapi"] = sys.modules["psycopg"] = None
from promptvault.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("serve", 6),
        ("server migrate", 6),
        ("server user list", 6),
        ("serve --help", 0),
        ("server --help", 0),
    ],
)
@pytest.mark.usefixtures("home")
def test_without_the_extra_it_says_what_to_install(command: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *command.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert ("pip install 'promptvault[server]'" in done.stderr) == (code == 6)
