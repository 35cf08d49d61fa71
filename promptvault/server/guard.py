"""Authentication: each route under /v1 needs a token, unless it is public."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from promptvault.errors import AuthenticationError, PermissionDeniedError
from promptvault.server.http.json_body import body_of
from promptvault.server.limit.service import (
    count_unknown_token,
    enforce_route_limit,
    network_of_request,
)
from promptvault.server.token.repository import Bearer
from promptvault.server.token.secret import is_well_formed
from promptvault.server.token.service import (
    Scope,
    authenticate,
    find_known,
    invalid_token,
)

PUBLIC_ROUTES = frozenset(
    {
        "start_device_sign_in",
        "exchange_device_code",
        "receive_clerk_event",  # has a signature instead
        "receive_stripe_event",
    }
)
"""Routes under /v1 that need no token, by the name of their function."""

CONFIRMING_ROUTES = frozenset({"sync"})
"""Routes that confirm the token in their own transaction, with `valid_roster`."""

OWN_SCOPES: dict[str, Scope] = {
    "sync": Scope.SYNC_READ,  # it checks itself whether the token may push
    "revoke_token": Scope.SYNC_READ,  # each token may end itself
    "create_completion": Scope.AI_USE,
    **dict.fromkeys(
        (
            *("create_team", "update_team", "delete_team"),
            *("change_role", "remove_member", "protect_label", "unprotect_label"),
            *("create_invitation", "revoke_invitation"),
            *("create_checkout", "create_portal"),
        ),
        Scope.TEAM_ADMIN,
    ),
}
"""The scopes of routes to which the rule of `needed_scope` does not apply, by name."""


class Guard(SecurityBase):
    """Counts a request for its route, authenticates it, and then reads its body.

    It is one dependency, because FastAPI takes longer to call another one than the
    limit of a route takes to check. First the form of the token is checked, which needs
    no database connection, and then the token itself. Its connection is released before
    the endpoint runs in a transaction of its own.
    """

    scheme_name = "token"
    model = HTTPBearer(description="A token: pv_pat_…")

    async def __call__(self, request: Request) -> None:
        """Authenticate *request*, or raise.

        Raises AuthenticationError, RateLimitedError, and PermissionDeniedError if the
        token lacks a scope. What is counted stays counted if the request fails.
        """
        await enforce_route_limit(request)
        if request.scope["route"].name in PUBLIC_ROUTES:
            return
        bearer = await _authenticated(request, _token(request))
        request.state.bearer, request.state.account_id = bearer, bearer.account_id
        scope = needed_scope(request.scope["route"].name, request.method)
        if scope not in bearer.scopes:
            raise _lacks(scope)
        await body_of(request)


def _lacks(scope: Scope) -> PermissionDeniedError:
    if scope is Scope.TEAM_ADMIN:
        return PermissionDeniedError(
            "This device may not manage teams and billing. Sign in again with"
            " 'promptvault login --manage'."
        )
    if scope is Scope.AI_USE:
        return PermissionDeniedError(
            "This device may not use the server's model. Sign in again with"
            " 'promptvault login'."
        )
    return PermissionDeniedError(f"The token is not good for this: it lacks {scope}.")


def _token(request: Request) -> str:
    """Return the request's token if its form is right; raises AuthenticationError."""
    header = request.headers.get("Authorization")
    scheme, token = get_authorization_scheme_param(header)
    if scheme.lower() != "bearer" or not token:
        raise _refusal(request, "Sign in first: this request carries no token.")
    if not is_well_formed(token):
        raise _refusal(request, "This is no token of PromptVault.")
    return token


def _refusal(request: Request, message: str) -> AuthenticationError:
    """Count the request, and return its error; raises RateLimitedError instead if the
    visitor has sent too many."""
    request.app.state.anonymous_limit.take(network_of_request(request))
    return AuthenticationError(message)


async def _authenticated(request: Request, token: str) -> Bearer:
    """Return the bearer of *token*; not confirmed if the route does that itself."""
    state = request.app.state
    if request.scope["route"].name in CONFIRMING_ROUTES:
        known = await find_known(state.known_bearers, state.settings, token)
        if known is not None:
            return known
    return await _looked_up(request, token)


async def _looked_up(request: Request, token: str) -> Bearer:
    """Return the bearer of *token* from the database.

    Only a few tokens of one address are looked up at once, so that guesses do not take
    all database connections.
    """
    state = request.app.state
    async with (
        state.address_slots.slot(network_of_request(request)),
        state.database.statements() as connection,
    ):
        bearer = await authenticate(
            connection, state.settings, token, state.known_bearers
        )
        if bearer is None:
            await count_unknown_token(request, connection)
            raise invalid_token()
    return bearer


def needed_scope(name: str, method: str) -> Scope:
    """Return the scope that a route needs: to read for GET and HEAD, else to write."""
    reading = method in {"GET", "HEAD"}
    return OWN_SCOPES.get(name, Scope.SYNC_READ if reading else Scope.SYNC_WRITE)


async def _bearer(request: Request) -> Bearer:
    bearer: Bearer | None = getattr(request.state, "bearer", None)
    if bearer is None:
        raise AuthenticationError("No user is known on a public route.")
    return bearer


Authenticated = Annotated[Bearer, Depends(_bearer)]
"""The bearer of the request's token, as an endpoint's parameter."""
