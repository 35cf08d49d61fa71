"""A device on which the program runs, with a home of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conftest import Process, Pvt, Result


@dataclass(frozen=True)
class Machine:
    """Runs the program on its vault."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process on this device."""
        return os.environ | {"PROMPTVAULT_HOME": str(self.home)}

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run it in this process, where the server may write its log too."""
        with self._here():
            result = Pvt()(*arguments, stdin=stdin)
        said = result.err.splitlines(keepends=True)
        own = (line for line in said if '"request_id"' not in line)
        return replace(result, err="".join(own))

    def ok(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run it; it must succeed."""
        result = self(*arguments, stdin=stdin)
        assert result.code == 0, result.err
        return result

    def process(self, *arguments: str) -> Result:
        """Run it as a process of its own."""
        with self._here():
            return Process()(*arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it as a process of its own, and return at once."""
        return subprocess.Popen(
            Process().command(*arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sign_in(self, server: str, token: str) -> None:
        """Sign in with a token."""
        stdin = token.encode()
        self.ok("login", "--server", server, "--token", "-", stdin=stdin)

    def sync(self) -> Result:
        """Sync; it must succeed."""
        return self.ok("sync")

    @contextmanager
    def _here(self) -> Iterator[None]:
        before = os.environ["PROMPTVAULT_HOME"]
        os.environ["PROMPTVAULT_HOME"] = str(self.home)
        try:
            yield
        finally:
            os.environ["PROMPTVAULT_HOME"] = before
