"""Signing in to a server by OAuth's device flow (RFC 8628), and signing out."""

import contextlib
import time
from collections.abc import Callable

from promptvault.client.client import Client
from promptvault.client.request_error import SignInPendingError
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
from promptvault.wire.device_code import MANAGE_SCOPE, DeviceCodeRead, OAuthErrorCode

_SLOW_DOWN_SECONDS = 5
_SHORTEST_SECONDS = 1
_LATE_SECONDS = 30
_MOST_FAILURES = 5
"""In a row: the network may fail for a moment while the user is in the browser."""


def sign_in_by_browser(
    client: Client,
    label: str,
    os: str,
    *,
    manage: bool = False,
    show: Callable[[DeviceCodeRead], None],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait until the user approves this device in a browser, and return the token.

    *label* and *os* describe the device to the user, *show* displays the code. With
    *manage* the user is also asked whether the device may manage teams. Raise
    PermissionDeniedError if the user refuses, AuthenticationError if the code expires,
    UnavailableError if the server does not answer several times in a row, or if it has
    no teams.
    """
    code = client.begin_sign_in(label, os, manage=manage)
    if manage and MANAGE_SCOPE not in code.scope.split():
        raise UnavailableError("This server has no teams: sign in without '--manage'.")
    show(code)
    return _Poll(client, code, sleep).wait()


class _Poll:
    """Polls the server at its interval until a code is approved."""

    def __init__(
        self, client: Client, code: DeviceCodeRead, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._code = code
        self._sleep = sleep
        self._interval: float = max(code.interval, _SHORTEST_SECONDS)
        self._failures = 0

    def wait(self) -> str:
        waited = 0.0
        # The server accepts a late approval for a while after the code has expired, so
        # its answer decides. The limit is for a server that has lost the code.
        while waited < self._code.expires_in + _LATE_SECONDS:
            self._sleep(self._interval)
            waited += self._interval
            token = self._poll()
            if token is not None:
                return token
        raise _expired()

    def _poll(self) -> str | None:
        try:
            return self._client.end_sign_in(self._code.device_code).access_token
        except SignInPendingError as error:
            self._handle(error.oauth_code)
        except RateLimitedError as error:
            self._interval = max(
                self._interval + _SLOW_DOWN_SECONDS, error.retry_after or 0
            )
        except UnavailableError:
            self._failures += 1
            if self._failures == _MOST_FAILURES:
                raise
            return None
        self._failures = 0
        return None

    def _handle(self, code: str) -> None:
        match code:
            case OAuthErrorCode.AUTHORIZATION_PENDING:
                pass
            case OAuthErrorCode.SLOW_DOWN:
                self._interval += _SLOW_DOWN_SECONDS
            case OAuthErrorCode.ACCESS_DENIED:
                raise PermissionDeniedError("The sign-in was refused in the browser.")
            case OAuthErrorCode.EXPIRED_TOKEN:
                raise _expired()
            case _:
                raise UnavailableError("The server did not accept the sign-in.")


def _expired() -> AuthenticationError:
    return AuthenticationError("The code has expired: start again with 'login'.")


def sign_out(client: Client, *, everywhere: bool) -> str:
    """Revoke this token, or all of the user's; return the error message if that fails.

    A token that is no longer valid counts as revoked.
    """
    try:
        client.revoke_all() if everywhere else client.revoke()
    except AuthenticationError:
        return ""
    except PromptVaultError as error:
        return str(error)
    return ""


def revoke_device_token(client: Client) -> None:
    """Revoke this token if it belongs to a device, before a new one replaces it.

    If that fails, the token stays valid until it expires. A machine's token is not
    revoked: other machines may use it.
    """
    with contextlib.suppress(PromptVaultError):
        if client.me().device is not None:
            client.revoke()


def find_signed_in(client: Client, start: str) -> SignedInRead:
    """Return the device or machine whose id starts with *start*.

    Raise NotFoundError if there is none, InvalidInputError if there are several.
    """
    found = [
        each for each in client.signed_in() if str(each.id).startswith(start.lower())
    ]
    if not found:
        raise NotFoundError("Nothing is signed in with this id: 'devices list'.")
    if len(found) > 1:
        raise InvalidInputError("Several ids start like this: give more of it.")
    return found[0]
