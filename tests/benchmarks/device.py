"""A device of a user, whose commands are whole processes."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Beside this Python: another one on PATH is another PromptVault.
PROGRAM = str(Path(sys.executable).with_name("promptvault"))


@dataclass(frozen=True)
class Device:
    """A device with its own home."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a command uses its vaults."""
        return {"PROMPTVAULT_HOME": str(self.home)}

    def run(self, *arguments: str, text: str = "") -> str:
        """Run a command to its end and return what it prints."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            env={**os.environ, **self.environment},
            input=text,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def sign_in(self, url: str, token: str) -> None:
        """Sign in by a token."""
        self.run("login", "--server", url, "--token", "-", text=token)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Sync while the block runs, as soon as something changes."""
        process = subprocess.Popen(
            [PROGRAM, "sync", "--watch"],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(3)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)
