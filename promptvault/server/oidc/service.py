"""One sign-in by the provider: there (`begin`), and back (`resume`, then `identify`).

State, nonce and verifier belong together: the state is drawn by lot, and the others are
made of it and the server's secret, so that neither has to be stored.
"""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

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


class ProviderSignIn:
    """What is done for a browser that signs in by the provider."""

    def __init__(
        self, database: Database, settings: Settings, provider: Provider, browser: str
    ) -> None:
        self._database, self._settings = database, settings
        self._provider, self._browser = provider, browser

    async def begin(self, user_code: str) -> str:
        """Return where the browser goes; raises UnavailableError."""
        state = secrets.token_urlsafe(32)
        address = await self._provider.address(self._question(state))
        async with self._database.transaction() as connection:
            await ProviderSignInRepository(connection).add(
                self._hash("state", state), self._browser_hash, user_code, LIFE
            )
        return address

    async def resume(self, state: str) -> str:
        """Return the user code of the sign-in that this browser has begun.

        It is over then, whatever comes of it. Raises AuthenticationError for one that
        another browser began, or nobody, or that has come back before.
        """
        async with self._database.transaction() as connection:
            user_code = await ProviderSignInRepository(connection).use(
                self._hash("state", state), self._browser_hash
            )
        if user_code is None:
            raise AuthenticationError(
                "This sign-in is too old, or was begun elsewhere: start over."
            )
        return user_code

    async def identify(self, code: str, state: str) -> Person:
        """Return who signed in at the provider, for the code that came back.

        No connection to the database is held meanwhile. Raises AuthenticationError,
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

    def _question(self, state: str) -> dict[str, str]:
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
    # Some providers write what is true as a word.
    is_verified = verified is True or verified == "true"
    return Person(
        subject=claims["sub"],
        email=email if is_verified and isinstance(email, str) else None,
    )
