"""Rules for passwords, and their hashes, computed in a pool of threads."""

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
# Each hash takes 64 MB and one core, so only two are computed at once.
_SIGN_IN = ThreadPoolExecutor(2, "password")
# Guesses at the password of a share must not delay those who sign in.
SHARES = ThreadPoolExecutor(1, "share password")


def checked_password(password: str, email: str) -> str:
    """Return *password* if it obeys the rules; raises InvalidInputError."""
    if len(password) < SHORTEST:
        raise InvalidInputError(f"The password needs {SHORTEST} characters or more.")
    if len(password) > LONGEST:
        raise InvalidInputError(f"The password is longer than {LONGEST} characters.")
    if len(set(password.lower())) < _FEWEST_CHARACTERS:
        raise InvalidInputError("The password repeats a few characters only.")
    if password.lower() in {email.lower(), email.partition("@")[0].lower()}:
        raise InvalidInputError("The password must not be the e-mail address.")
    return password


async def hash_password(password: str, threads: ThreadPoolExecutor = _SIGN_IN) -> str:
    """Return the Argon2 hash of a password, to be stored."""
    return await _run(functools.partial(_HASHER.hash, _bytes(password)), threads)


async def verify_password(
    password_hash: str | None, password: str, threads: ThreadPoolExecutor = _SIGN_IN
) -> bool:
    """Return True if it is the password of the hash.

    Without a hash the result is False, after the same time.
    """
    work = functools.partial(_verify, password_hash, _bytes(password))
    return await _run(work, threads)


async def _run(work: functools.partial[_T], threads: ThreadPoolExecutor) -> _T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _verify(password_hash: str | None, password: bytes) -> bool:
    try:
        _HASHER.verify(password_hash or _dummy_hash(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return password_hash is not None


@functools.cache
def _dummy_hash() -> str:
    return _HASHER.hash("no password")


def _bytes(password: str) -> bytes:
    """Return the normalized password: keyboards encode accents in several ways."""
    return unicodedata.normalize("NFKC", password).encode(errors="replace")
