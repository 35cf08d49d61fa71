"""`promptvault login` as a process on a terminal."""

import os
import pty
import re
import select
import subprocess
import sys
import termios

_CUE = re.compile(r"Open (\S+) and enter (\S+)")


class Login:
    """A user who signs in a device, from the code to the end."""

    def __init__(self, url: str) -> None:
        self._held, given = pty.openpty()
        termios.tcsetwinsize(given, (30, 120))
        command = ["login", "--server", url, "--no-browser"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "promptvault", *command],
            stdin=given,
            stdout=given,
            stderr=given,
            start_new_session=True,
        )
        os.close(given)
        self.screen = ""

    def codes(self) -> tuple[str, str]:
        """Return the address and the code that it shows."""
        while not (found := _CUE.search(self.screen)):
            assert self._read(), self.screen
        return found[1], found[2]

    def wait(self) -> int:
        """Wait for its end, and return the exit code; *screen* has the output."""
        while self._read():
            pass
        return self._process.wait(60)

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        os.close(self._held)

    def _read(self) -> bool:
        assert select.select([self._held], [], [], 60)[0], self.screen
        try:
            self.screen += os.read(self._held, 65536).decode()
        except OSError:  # it has ended
            return False
        return True
