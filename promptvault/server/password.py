"""Passwords: which ones are good enough, and their hashes, made in threads apart."""

import asyncio
import functools
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from promptvault.errors import InvalidInputError

_T = TypeVar("_T")

SHORTEST, LONGEST = 10, 200
_FEWEST_CHARACTERS = 5

_HASHER = PasswordHasher()
# Each hash takes 64 MB and a core for a moment: more at once would starve the server.
_THREADS = ThreadPoolExecutor(2, "password")


def checked_password(password: str, email: str) -> str:
    """Return a password that is good enough; raises InvalidInputError."""
    if len(password) < SHORTEST:
        raise InvalidInputError(f"The password needs {SHORTEST} characters or more.")
    if len(password) > LONGEST:
        raise InvalidInputError(f"The password is longer than {LONGEST} characters.")
    if len(set(password.lower())) < _FEWEST_CHARACTERS:
        raise InvalidInputError("The password repeats a few characters only.")
    if password.lower() in {email.lower(), email.partition("@")[0].lower()}:
        raise InvalidInputError("The password must not be the e-mail address.")
    return password


async def hash_password(password: str) -> str:
    """Return what is stored in place of a password."""
    return await _in_thread(functools.partial(_HASHER.hash, _bytes(password)))


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether it is the password; without a hash it takes as long to say no."""
    return await _in_thread(functools.partial(_verify, password_hash, _bytes(password)))


async def _in_thread(work: functools.partial[_T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _verify(password_hash: str | None, password: bytes) -> bool:
    try:
        _HASHER.verify(password_hash or _nobodys_hash(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return password_hash is not None


@functools.cache
def _nobodys_hash() -> str:
    return _HASHER.hash("nobody's")


def _bytes(password: str) -> bytes:
    """Keyboards differ in how they put an accent on a letter."""
    return unicodedata.normalize("NFKC", password).encode(errors="replace")
