"""Keys and tokens: in the system's keyring, or in private files where there is none.

Each secret has a file of its own in a private folder. It holds the secret where no
keyring took it. It is empty where the keyring did: so a keyring, which may be slow, is
asked only for what it holds; and two processes that store two secrets share no file.
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
"""A keyring that is locked, or whose service is gone, may never answer."""

_hung = threading.Event()
"""Set when the keyring did not answer: in this process it is asked no more."""

_Answer = str | None | BaseException


class _NoKeyringError(Exception):
    """There is no keyring, or it refuses, or it does not answer."""


def store_credential(folder: Path, name: str, secret: str) -> SettingSource:
    """Keep *secret* as *name*, and return where; raises UnavailableError."""
    try:
        _put_into_keyring(folder, name, secret)
    except _NoKeyringError:
        _write(folder, name, secret)
        return SettingSource.CREDENTIALS
    _write(folder, name, "")
    return SettingSource.KEYRING


def find_credential(folder: Path, name: str) -> str | None:
    """Return the secret kept as *name*, None without one.

    Raises UnavailableError where it cannot be read, as from a locked keyring.
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
    """Return where *name* is kept, None where it is not; no keyring is asked."""
    kept = _read(folder, name)
    if kept is None:
        return None
    return SettingSource.CREDENTIALS if kept else SettingSource.KEYRING


def delete_credential(folder: Path, name: str) -> None:
    """Forget *name*, which need not be known.

    Raises UnavailableError where the keyring holds it and does not let go of it.
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
    # There are backends that take everything and keep nothing.
    if _ask_keyring("get_password", _service(folder), name) != secret:
        raise _NoKeyringError


def _delete_from_keyring(folder: Path, name: str) -> None:
    # Deleting what somebody has deleted by hand is an error of the backend's.
    if _ask_keyring("get_password", _service(folder), name) is not None:
        _ask_keyring("delete_password", _service(folder), name)


def _service(folder: Path) -> str:
    """Return the keyring's name for this vault: another vault has keys of its own."""
    return f"promptvault:{folder.parent.resolve()}"


def _ask_keyring(action: str, *arguments: str) -> str | None:
    """Return what the keyring answers; raises _NoKeyringError."""
    if _hung.is_set():
        raise _NoKeyringError
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()

    def ask() -> None:
        try:
            import keyring  # 60 ms, and services of the desktop: only for a secret

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
    """Take from others what they may do with *path*, as after a careless copy."""
    mode = path.stat().st_mode
    if mode & 0o077:
        with contextlib.suppress(PermissionError):  # it is somebody else's
            path.chmod(mode & 0o700)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UnavailableError(f"{folder} cannot be used: {reason}.") from None
