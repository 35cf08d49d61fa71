"""HTTP requests to the sign-in provider, in OpenID Connect.

The formats are those of OpenID Connect Discovery 1.0 and of RFC 6749 (OAuth 2.0).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus, urlencode

import httpx
import jwt
from jwt import PyJWK, PyJWKSet
from pydantic import BaseModel, ValidationError

from promptvault.errors import AuthenticationError, UnavailableError
from promptvault.server.oidc.failure import provider_failure, refusal
from promptvault.server.oidc.id_token import ALGORITHMS
from promptvault.server.settings import Settings

_TIMEOUT_SECONDS = 5.0
_BASIC = "client_secret_basic"
_LIFE_SECONDS = 300.0
_COOLDOWN_SECONDS = 30.0
"""Between two fetches before the value is stale, so that no request can make the server
fetch without end."""
_T = TypeVar("_T")


class Discovery(BaseModel):
    """The provider's discovery document, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str] = [_BASIC]

    @property
    def algorithms(self) -> frozenset[str]:
        """The algorithms for ID tokens that both sides allow."""
        return ALGORITHMS & {*self.id_token_signing_alg_values_supported}


class Tokens(BaseModel):
    """The answer of the token endpoint."""

    id_token: str
    access_token: str = ""


class Provider:
    """The provider of the settings; each worker has one."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        assert settings.oidc_issuer is not None
        self._issuer, self._settings = settings.oidc_issuer, settings
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)
        self._discovery = _TtlCache(self._fetch_discovery, clock)
        self._keys = _TtlCache(self._fetch_keys, clock)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def discovery(self) -> Discovery:
        """Return the discovery document; raises UnavailableError."""
        return await self._discovery.get()

    async def authorization_url(self, parameters: Mapping[str, str]) -> str:
        """Return the URL at which people sign in; raises UnavailableError."""
        page = (await self.discovery()).authorization_endpoint
        return f"{page}{'&' if '?' in page else '?'}{urlencode(parameters)}"

    async def key(self, key_id: str | None) -> PyJWK:
        """Return the key with an id; None means the only key.

        An unknown id makes the server fetch the keys again: the provider may have a new
        one. Raises AuthenticationError if there is no such key, UnavailableError.
        """
        found = _find(await self._keys.get(), key_id)
        found = found or _find(await self._keys.renew(), key_id)
        if found is None:
            raise refusal("no such key")
        return found

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Return the tokens for an authorization code.

        Raises AuthenticationError if the provider refuses the code, UnavailableError.
        """
        discovery = await self.discovery()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        proof, auth = self._client_proof(discovery)
        answer = await self._ask(
            "POST", discovery.token_endpoint, data=form | proof, auth=auth
        )
        try:
            return Tokens.model_validate(answer)
        except ValidationError as error:
            raise refusal("no token") from error

    async def user_info(self, access_token: str) -> dict[str, Any]:
        """Return the claims of the userinfo endpoint; empty if there is none.

        Raises AuthenticationError, UnavailableError.
        """
        address = (await self.discovery()).userinfo_endpoint
        if not address or not access_token:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self._ask("GET", address, headers=headers)

    def _client_proof(
        self, discovery: Discovery
    ) -> tuple[dict[str, str], httpx.BasicAuth | None]:
        """Return the form fields and the header that authenticate this client."""
        client_id = self._settings.oidc_client_id or ""
        secret = self._settings.oidc_client_secret
        if secret is None:
            return {"client_id": client_id}, None
        password = secret.get_secret_value()
        if _BASIC in discovery.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded before they become a header.
            return {}, httpx.BasicAuth(quote_plus(client_id), quote_plus(password))
        return {"client_id": client_id, "client_secret": password}, None

    async def _fetch_discovery(self) -> Discovery:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = Discovery.model_validate(await self._ask("GET", url))
        except (ValidationError, AuthenticationError) as error:
            raise provider_failure("discovery cannot be used") from error
        if found.issuer != self._issuer:
            raise provider_failure("discovery names another issuer")
        if not found.algorithms:
            raise provider_failure("no algorithm of the provider's may be used")
        pages = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        scheme = self._issuer.partition(":")[0]
        if not all(page.startswith(("https://", f"{scheme}://")) for page in pages):
            raise provider_failure("discovery names pages that are not encrypted")
        return found

    async def _fetch_keys(self) -> PyJWKSet:
        url = (await self.discovery()).jwks_uri
        try:
            return PyJWKSet.from_dict(await self._ask("GET", url))
        except (jwt.PyJWTError, AuthenticationError) as error:
            raise provider_failure("no key can be used") from error

    async def _ask(self, method: str, address: str, **values: Any) -> dict[str, Any]:
        """Return a JSON object; raises AuthenticationError for a status of 4xx, and
        UnavailableError for any other failure."""
        try:
            answer = await self._http.request(method, address, **values)
            if answer.is_client_error:
                raise refusal(f"status {answer.status_code} of {answer.url.path}")
            body = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise provider_failure(type(error).__name__) from None
        if not isinstance(body, dict):
            raise provider_failure("no object")
        return body


def _find(keys: PyJWKSet, key_id: str | None) -> PyJWK | None:
    usable = [key for key in keys.keys if key.algorithm_name in ALGORITHMS]
    if key_id is None:  # a token may omit it if there is one key
        return usable[0] if len(usable) == 1 else None
    return next((key for key in usable if key.key_id == key_id), None)


class _TtlCache(Generic[_T]):
    """The last value that *fetch* returned; *fetch* raises UnavailableError.

    It is kept for a fixed time, and for longer while it cannot be fetched again.

    A failure is kept for the cooldown too. If the provider hangs, one request waits for
    it, and the others do not wait in turn.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[_T]], clock: Callable[[], float]
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._value: _T | None = None
        self._failure = ""
        self._stale_at = self._renewable_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> _T:
        """Return the value, and fetch it first if it is stale.

        Raises UnavailableError if it was never fetched.
        """
        async with self._lock:
            if self._clock() >= self._stale_at:
                await self._update()
            return self._known()

    async def renew(self) -> _T:
        """Return a value fetched now, or the last one during the cooldown.

        Raises UnavailableError if it was never fetched.
        """
        async with self._lock:
            if self._clock() >= self._renewable_at:
                self._renewable_at = self._clock() + _COOLDOWN_SECONDS
                await self._update()
            return self._known()

    async def _update(self) -> None:
        try:
            self._value = await self._fetch()
        except UnavailableError as error:
            self._failure = str(error)
            self._stale_at = self._clock() + _COOLDOWN_SECONDS
        else:
            self._stale_at = self._clock() + _LIFE_SECONDS

    def _known(self) -> _T:
        if self._value is None:
            raise UnavailableError(self._failure)
        return self._value
