"""Keys and tokens: in the system's keyring, or in private files without a keyring.

Each secret has its own file in a private folder. The file holds the secret if the
keyring does not, else it is empty. So the keyring, which may be slow, is only asked for
secrets that it holds, and two processes that store two secrets write different files.
"""

import contextlib
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from promptvault.config import SettingSource
from promptvault.errors import UnavailableError
from promptvault.private_file import write_private

_PATIENCE_SECONDS = 2.0
"""A locked keyring, or one whose service has ended, may never answer."""

_hung = threading.Event()
"""Set if the keyring did not answer; this process does not ask it again."""

_Answer = str | None | BaseException


class _NoKeyringError(Exception):
    """There is no keyring, it refuses, or it does not answer."""


def store_credential(folder: Path, name: str, secret: str) -> SettingSource:
    """Store *secret* as *name*, and return where; raises UnavailableError."""
    try:
        _put_into_keyring(folder, name, secret)
    except _NoKeyringError:
        _write(folder, name, secret)
        return SettingSource.CREDENTIALS
    _write(folder, name, "")
    return SettingSource.KEYRING


def find_credential(folder: Path, name: str) -> str | None:
    """Return the secret *name*, None if there is none.

    Raises UnavailableError if it cannot be read, for example from a locked keyring.
    """
    kept = _read(folder, name)
    if kept != "":
        return kept
    try:
        return _ask_keyring("get_password", _service(folder), name)
    except _NoKeyringError:
        raise UnavailableError(
            f"{name} is in the system's keyring, which does not give it: unlock the"
            " keyring, or set it again."
        ) from None


def find_credential_source(folder: Path, name: str) -> SettingSource | None:
    """Return where *name* is stored, None if it is not; does not ask the keyring."""
    kept = _read(folder, name)
    if kept is None:
        return None
    return SettingSource.CREDENTIALS if kept else SettingSource.KEYRING


def delete_credential(folder: Path, name: str) -> None:
    """Delete the secret *name*, if it exists.

    Raises UnavailableError if the keyring holds it and cannot delete it.
    """
    kept = _read(folder, name)
    if kept == "":
        try:
            _delete_from_keyring(folder, name)
        except _NoKeyringError:
            raise UnavailableError(
                f"{name} is in the system's keyring, which does not answer: unlock it"
                " and try again."
            ) from None
    with _explained(folder):
        _file(folder, name).unlink(missing_ok=True)


def _put_into_keyring(folder: Path, name: str, secret: str) -> None:
    _ask_keyring("set_password", _service(folder), name, secret)
    # Some backends accept everything and store nothing.
    if _ask_keyring("get_password", _service(folder), name) != secret:
        raise _NoKeyringError


def _delete_from_keyring(folder: Path, name: str) -> None:
    # A backend raises an error for a secret that does not exist.
    if _ask_keyring("get_password", _service(folder), name) is not None:
        _ask_keyring("delete_password", _service(folder), name)


def _service(folder: Path) -> str:
    """Return the service name in the keyring; each vault has its own."""
    return f"promptvault:{folder.parent.resolve()}"


def _ask_keyring(action: str, *arguments: str) -> str | None:
    """Return the answer of the keyring; raises _NoKeyringError."""
    if _hung.is_set():
        raise _NoKeyringError
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()

    def ask() -> None:
        try:
            import keyring  # takes 60 ms and may start desktop services

            answers.put(getattr(keyring, action)(*arguments))
        except BaseException as error:
            answers.put(error)

    # A thread that hangs must not keep the process from ending.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=_PATIENCE_SECONDS)
    except queue.Empty:
        _hung.set()
        raise _NoKeyringError from None
    if isinstance(answer, BaseException):
        raise _NoKeyringError from answer
    return answer


def _file(folder: Path, name: str) -> Path:
    return folder / quote(name, safe="")


def _read(folder: Path, name: str) -> str | None:
    file = _file(folder, name)
    with _explained(folder):
        try:
            _make_private(file)
            return file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


def _write(folder: Path, name: str, text: str) -> None:
    with _explained(folder):
        write_private(_file(folder, name), text)
        _make_private(folder)


def _make_private(path: Path) -> None:
    """Remove the permissions of other users on *path*."""
    mode = path.stat().st_mode
    if mode & 0o077:
        with contextlib.suppress(PermissionError):  # owned by another user
            path.chmod(mode & 0o700)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UnavailableError(f"{folder} cannot be used: {reason}.") from None
