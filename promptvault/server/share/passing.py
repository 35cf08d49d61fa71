"""The cookie of a browser that has given a share's password, or used one view of it."""

import hmac
from datetime import UTC, datetime

from promptvault.server.share.reading import StoredShare
from promptvault.server.token.secret import hash_secret

COOKIE = "pv_s"
_SECONDS = 3600
_SECONDS_OF_A_VIEW = 600
_LONGEST = 100


def make_cookie(key: str, share: StoredShare) -> tuple[str, int]:
    """Return the value of the cookie, and the seconds that it is good for."""
    seconds = _SECONDS if share.max_views is None else _SECONDS_OF_A_VIEW
    until = int(share.now.timestamp()) + seconds
    return f"{until}.{_proof(key, share, until)}", seconds


def has_passed(key: str, share: StoredShare, cookie: str) -> bool:
    """Return True if *cookie* is one of this share, as it is now.

    A new password, a new limit of views, and the database's clock end it.
    """
    text, _, proof = cookie[:_LONGEST].partition(".")
    if not (text.isascii() and text.isdecimal()):
        return False
    until = int(text)
    expected = _proof(key, share, until)
    is_ours = hmac.compare_digest(proof.encode(), expected.encode())
    return is_ours and share.now < datetime.fromtimestamp(until, UTC)


def _proof(key: str, share: StoredShare, until: int) -> str:
    is_limited = share.max_views is not None
    secret = f"share {share.id} {share.password_hash} {is_limited} {until}"
    return hash_secret(key, secret)
