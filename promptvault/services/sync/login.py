"""Signing in to a server, and out."""

import contextlib
import time
from collections.abc import Callable

from promptvault.client.client import Client
from promptvault.client.failure import SignInPendingError
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)
from promptvault.wire.device import SignedInRead
from promptvault.wire.device_code import DeviceCodeRead, OAuthErrorCode

_SLOWER_SECONDS = 5
_SHORTEST_SECONDS = 1
_LATE_SECONDS = 30
_MOST_FAILURES = 5
"""In a row: a network may be gone for a moment while somebody is in the browser."""


def sign_in_by_browser(
    client: Client,
    label: str,
    os: str,
    *,
    show: Callable[[DeviceCodeRead], None],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Let somebody approve this device in a browser, and return the token.

    *show* tells them where. Raises PermissionDeniedError where they refuse,
    AuthenticationError where the code expires.
    """
    code = client.begin_sign_in(label, os)
    show(code)
    return _Waiting(client, code, sleep).token()


class _Waiting:
    """Asks in the server's rhythm whether a code was approved."""

    def __init__(
        self, client: Client, code: DeviceCodeRead, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._code = code
        self._sleep = sleep
        self._interval: float = max(code.interval, _SHORTEST_SECONDS)
        self._failures = 0

    def token(self) -> str:
        waited = 0.0
        # An approval in the last seconds is good for a while longer than the code: so
        # the server has the last word, but for one that has forgotten it.
        while waited < self._code.expires_in + _LATE_SECONDS:
            self._sleep(self._interval)
            waited += self._interval
            token = self._ask()
            if token is not None:
                return token
        raise _expired()

    def _ask(self) -> str | None:
        try:
            return self._client.end_sign_in(self._code.device_code).access_token
        except SignInPendingError as error:
            self._heed(error.word)
        except RateLimitedError as error:
            self._interval = max(
                self._interval + _SLOWER_SECONDS, error.retry_after or 0
            )
        except UnavailableError:
            self._failures += 1
            if self._failures == _MOST_FAILURES:
                raise
            return None
        self._failures = 0
        return None

    def _heed(self, word: str) -> None:
        match word:
            case OAuthErrorCode.AUTHORIZATION_PENDING:
                pass
            case OAuthErrorCode.SLOW_DOWN:
                self._interval += _SLOWER_SECONDS
            case OAuthErrorCode.ACCESS_DENIED:
                raise PermissionDeniedError("The sign-in was refused in the browser.")
            case OAuthErrorCode.EXPIRED_TOKEN:
                raise _expired()
            case _:
                raise UnavailableError("The server did not accept the sign-in.")


def _expired() -> AuthenticationError:
    return AuthenticationError("The code has expired: start again with 'login'.")


def sign_out(client: Client, *, everywhere: bool) -> str:
    """End this token, or every one of the user's; return why it could not be done.

    A token that was no longer good needs no end.
    """
    try:
        client.revoke_every() if everywhere else client.revoke()
    except AuthenticationError:
        return ""
    except PromptVaultError as error:
        return str(error)
    return ""


def end_device(client: Client) -> None:
    """End this token if it is a device's: another one takes its place.

    Where that fails it ends when it expires. A machine's token is no concern of ours:
    others may use it.
    """
    with contextlib.suppress(PromptVaultError):
        if client.me().device is not None:
            client.revoke()


def find_signed_in(client: Client, start: str) -> SignedInRead:
    """Return what is signed in with an id that begins with *start*.

    Raises NotFoundError, and InvalidInputError where several do.
    """
    found = [
        each for each in client.signed_in() if str(each.id).startswith(start.lower())
    ]
    if not found:
        raise NotFoundError("Nothing is signed in with this id: 'devices list'.")
    if len(found) > 1:
        raise InvalidInputError("Several ids begin like this: give more of it.")
    return found[0]
