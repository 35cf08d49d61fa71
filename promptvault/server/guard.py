"""Who is let in: every route under /v1 asks for a token, unless it is named here."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from promptvault.errors import AuthenticationError, PermissionDeniedError
from promptvault.server.http.json_body import body_of
from promptvault.server.limit.service import count_stranger, network
from promptvault.server.token.repository import Bearer
from promptvault.server.token.secret import is_well_formed
from promptvault.server.token.service import Scope, authenticate

PUBLIC_ROUTES = frozenset(
    {
        "start_device_sign_in",
        "exchange_device_code",
        "receive_clerk_event",  # which is signed
    }
)
"""Routes under /v1 that ask for no token, by the name of their function."""

OWN_SCOPES: dict[str, Scope] = {
    "sync": Scope.SYNC_READ,  # which refuses a push by itself
    "revoke_token": Scope.SYNC_READ,  # whatever is signed in may sign itself out
}
"""Routes, by name, for which the rule of `needed_scope` is not the right one."""


class Guard(SecurityBase):
    """Lets a request in, and holds its account's turn until it is answered.

    Who asks is known before anything of the body is read: first the form of the token,
    which costs no connection to the database, then the token itself, then the body.
    No connection is held meanwhile: what an endpoint does with the database is a
    transaction of its own.
    """

    scheme_name = "token"
    model = HTTPBearer(description="A token: pv_pat_…")

    async def __call__(self, request: Request) -> AsyncIterator[None]:
        """Let *request* go on, or raise what says why not.

        Raises AuthenticationError, RateLimitedError, and PermissionDeniedError where
        the token is good but not for this. What was counted stays counted, however the
        request ends.
        """
        if request.scope["route"].name in PUBLIC_ROUTES:
            yield
            return
        bearer = await _identified(request, _token(request))
        request.state.bearer, request.state.account_id = bearer, bearer.account_id
        scope = needed_scope(request.scope["route"].name, request.method)
        if scope not in bearer.scopes:
            raise PermissionDeniedError(
                f"The token is not good for this: it lacks {scope}."
            )
        await body_of(request)
        async with request.app.state.account_turns.turn(bearer.account_id):
            yield


def _token(request: Request) -> str:
    """Return a token that can be one of ours; raises AuthenticationError."""
    header = request.headers.get("Authorization")
    scheme, token = get_authorization_scheme_param(header)
    if scheme.lower() != "bearer" or not token:
        raise _stranger(request, "Sign in first: this request carries no token.")
    if not is_well_formed(token):
        raise _stranger(request, "This is no token of PromptVault.")
    return token


def _stranger(request: Request, message: str) -> AuthenticationError:
    """Return a 401, which counts; raises RateLimitedError after too many."""
    request.app.state.strangers.take(network(request))
    return AuthenticationError(message)


async def _identified(request: Request, token: str) -> Bearer:
    """Return whose *token* it is.

    One address looks up few at once, so that tokens which are tried out do not take
    every connection to the database.
    """
    state = request.app.state
    async with (
        state.address_turns.turn(network(request)),
        state.database.statements() as connection,
    ):
        bearer = await authenticate(connection, state.settings, token)
        if bearer is None:
            await count_stranger(request, connection)
            raise AuthenticationError(
                "The token is unknown, expired or revoked: sign in again."
            )
    return bearer


def needed_scope(name: str, method: str) -> Scope:
    """Return what a token must be good for: to read, or else to write."""
    reading = method in {"GET", "HEAD"}
    return OWN_SCOPES.get(name, Scope.SYNC_READ if reading else Scope.SYNC_WRITE)


async def _bearer(request: Request) -> Bearer:
    bearer: Bearer | None = getattr(request.state, "bearer", None)
    if bearer is None:
        raise AuthenticationError("A public route knows nobody.")
    return bearer


Authenticated = Annotated[Bearer, Depends(_bearer)]
"""For an endpoint that wants to know who is asking."""
