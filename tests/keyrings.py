"""Keyrings that tests choose by name: one that works, and some that fail."""

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

STORE = "PROMPTVAULT_TEST_KEYRING"
"""The variable with the path of the file that `Working` keeps secrets in."""


class Working(KeyringBackend):
    """Stores secrets, and deletes them."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return _load().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _save(_load() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        held = _load()
        if f"{service} {username}" not in held:
            raise PasswordDeleteError("no such password")
        _save({name: held[name] for name in held if name != f"{service} {username}"})


class Locked(KeyringBackend):
    """Fails, because it is locked."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("locked")

    def delete_password(self, service: str, username: str) -> None:
        raise KeyringLocked("locked")


class Hanging(KeyringBackend):
    """Waits for a window that nothing closes."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()

    def delete_password(self, service: str, username: str) -> None:
        threading.Event().wait()


def _load() -> dict[str, str]:
    place = Path(os.environ[STORE])
    held: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    return held


def _save(held: dict[str, str]) -> None:
    Path(os.environ[STORE]).write_text(json.dumps(held))
