"""Who is let in: every route under /v1 asks for a token, unless it is named here."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from promptvault.errors import AuthenticationError, PermissionDeniedError
from promptvault.server.dependencies import Transaction
from promptvault.server.limit.service import count_stranger
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


class _TokenOfRequest(SecurityBase):
    """Reads a token that can be one of ours; None on a public route.

    What is none costs no connection to the database.
    """

    scheme_name = "token"
    model = HTTPBearer(description="A token: pv_pat_…")

    async def __call__(self, request: Request) -> str | None:
        if request.scope["route"].name in PUBLIC_ROUTES:
            return None
        header = request.headers.get("Authorization")
        scheme, token = get_authorization_scheme_param(header)
        if scheme.lower() != "bearer" or not token:
            raise AuthenticationError("Sign in first: this request carries no token.")
        if not is_well_formed(token):
            raise AuthenticationError("This is no token of PromptVault.")
        return token


async def identify(
    request: Request,
    token: Annotated[str | None, Depends(_TokenOfRequest())],
    connection: Transaction,
) -> None:
    """Note for the endpoint whose token came along; on a public route nobody looks.

    Raises AuthenticationError, RateLimitedError, and PermissionDeniedError where the
    token is good but not for this. What was counted is committed by then, however the
    request ends: what it does itself is in the transaction that begins after this.
    """
    if token is None:
        return
    bearer = await authenticate(connection, request.app.state.settings, token)
    if bearer is None:
        await count_stranger(request, connection)
        await connection.commit()
        raise AuthenticationError(
            "The token is unknown, expired or revoked: sign in again."
        )
    await connection.commit()
    request.state.bearer, request.state.account_id = bearer, bearer.account_id
    scope = needed_scope(request.scope["route"].name, request.method)
    if scope not in bearer.scopes:
        raise PermissionDeniedError(
            f"The token is not good for this: it lacks {scope}."
        )


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
