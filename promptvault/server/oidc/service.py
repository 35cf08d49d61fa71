"""One sign-in by the provider: `begin`, then at the way back `resume` and `identify`.

The state is random. Nonce and verifier are HMACs of it with the server's secret, so
that neither has to be stored.
"""

import base64
import hashlib
import secrets
import time
from datetime import timedelta
from typing import Any, NamedTuple

from promptvault.errors import AuthenticationError
from promptvault.server.database import Database
from promptvault.server.oidc.account import Person
from promptvault.server.oidc.failure import refusal
from promptvault.server.oidc.id_token import Expected, key_id_of, verify
from promptvault.server.oidc.provider import Provider, Tokens
from promptvault.server.oidc.repository import ProviderSignInRepository
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

CALLBACK = "/signin/callback"
LIFE = timedelta(minutes=10)
_SCOPE = "openid email"
_AGAIN = {"prompt": "login", "max_age": "0"}
_RECENT_SECONDS = 600


class ResumedSignIn(NamedTuple):
    """What the browser asked for before the sign-in."""

    user_code: str
    """The code of the device to approve, or empty."""
    target: str
    """The *target* that was given to `begin`."""


class ProviderSignIn:
    """The sign-in of one browser by the provider."""

    def __init__(
        self, database: Database, settings: Settings, provider: Provider, browser: str
    ) -> None:
        """*browser* is the secret in the browser's cookie."""
        self._database, self._settings = database, settings
        self._provider, self._browser = provider, browser

    async def begin(self, user_code: str, target: str, *, again: bool = False) -> str:
        """Return the URL at the provider to redirect to.

        *user_code* and *target* come back from `resume`. With *again* the provider asks
        for the password even if the person is signed in there. Raises UnavailableError.
        """
        # The target is a part of the state: only the state's hash is stored, so a
        # browser that changes the target has a state that is not known.
        token = secrets.token_urlsafe(32)
        state = f"{token}.{target}" if target else token
        parameters = self._parameters(state) | (_AGAIN if again else {})
        url = await self._provider.authorization_url(parameters)
        async with self._database.transaction() as connection:
            await ProviderSignInRepository(connection).add(
                self._hash("state", state), self._browser_hash, user_code, LIFE
            )
        return url

    async def resume(self, state: str) -> ResumedSignIn:
        """Return what this browser began with *state*, which is then used up.

        Raises AuthenticationError if the state is unknown, has expired, was used
        before, or belongs to another browser.
        """
        async with self._database.transaction() as connection:
            user_code = await ProviderSignInRepository(connection).use(
                self._hash("state", state), self._browser_hash
            )
        if user_code is None:
            raise AuthenticationError(
                "This sign-in is too old, or was begun elsewhere: start over."
            )
        return ResumedSignIn(user_code, state.partition(".")[2])

    async def identify(self, code: str, state: str) -> Person:
        """Return the person who signed in at the provider, for the *code* it sent.

        No database connection is held meanwhile. Raises AuthenticationError,
        UnavailableError.
        """
        verifier = self._hash("verifier", state)
        tokens = await self._provider.exchange(code, self._redirect_uri, verifier)
        return _person(await self._claims(tokens, state))

    async def _claims(self, tokens: Tokens, state: str) -> dict[str, Any]:
        discovery = await self._provider.discovery()
        expected = Expected(
            issuer=discovery.issuer,
            client_id=self._settings.oidc_client_id or "",
            allowed_azp=self._settings.oidc_allowed_azp,
            algorithms=discovery.algorithms,
            nonce=self._hash("nonce", state),
        )
        key_id = key_id_of(tokens.id_token, expected)
        claims = verify(tokens.id_token, await self._provider.key(key_id), expected)
        if "email" in claims:
            return claims
        more = await self._provider.user_info(tokens.access_token)
        if more and more.get("sub") != claims["sub"]:
            raise refusal("sub of userinfo")
        return more | claims

    def _parameters(self, state: str) -> dict[str, str]:
        verifier = self._hash("verifier", state)
        digest = hashlib.sha256(verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id or "",
            "redirect_uri": self._redirect_uri,
            "scope": _SCOPE,
            "state": state,
            "nonce": self._hash("nonce", state),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }

    @property
    def _redirect_uri(self) -> str:
        return self._settings.public_url + CALLBACK

    @property
    def _browser_hash(self) -> str:
        return self._hash("browser", self._browser)

    def _hash(self, kind: str, secret: str) -> str:
        return hash_secret(self._settings.key, f"provider {kind} {secret}")


def _person(claims: dict[str, Any]) -> Person:
    email, verified = claims.get("email"), claims.get("email_verified")
    # Some providers send the string "true" instead of the boolean.
    is_verified = verified is True or verified == "true"
    return Person(
        subject=claims["sub"],
        email=email if is_verified and isinstance(email, str) else None,
        is_recent=_is_recent(claims.get("auth_time")),
    )


def _is_recent(auth_time: object) -> bool:
    """Return False for a sign-in that is old. Some providers do not say when it was."""
    if not isinstance(auth_time, int | float):
        return True
    return time.time() - auth_time < _RECENT_SECONDS
