"""Sign-in by a provider: the redirect there, and the way back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from promptvault.errors import AuthenticationError, NotFoundError
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.device_code.code import find_user_code
from promptvault.server.oidc.account import find_or_create_user
from promptvault.server.oidc.service import CALLBACK, ProviderSignIn
from promptvault.server.page.browser import (
    CurrentBrowser,
    CurrentVisitor,
    checked_target,
    is_dangerous,
    path_after_sign_in,
    set_cookie,
)
from promptvault.server.page.rendering import redirect, redirect_signed_in
from promptvault.server.session.service import begin_session

router = APIRouter()


async def _sign_in_of(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
) -> ProviderSignIn:
    provider = request.app.state.provider
    if provider is None:
        raise NotFoundError("This server has no sign-in provider.")
    return ProviderSignIn(database, settings, provider, browser.secret)


CurrentSignIn = Annotated[ProviderSignIn, Depends(_sign_in_of)]


@router.get("/signin/provider")
async def go_to_provider(
    browser: CurrentBrowser,
    settings: AppSettings,
    sign_in: CurrentSignIn,
    user_code: str = "",
    to: str = "",
) -> Response:
    """Redirect to the provider."""
    code = find_user_code(user_code) or ""
    target = checked_target(to)
    again = is_dangerous(target)
    response = redirect(await sign_in.begin(code, target, again=again))
    if browser.is_new:
        set_cookie(response, settings, browser.secret)
    return response


@router.get(CALLBACK)
async def come_from_provider(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    sign_in: CurrentSignIn,
    visitor: CurrentVisitor,
    state: str = "",
    code: str = "",
    iss: str | None = None,
) -> Response:
    """Sign in as the person that the provider names, and open the page that asked."""
    resumed = await sign_in.resume(state)
    if not code or iss not in {None, settings.oidc_issuer}:
        raise AuthenticationError("The provider has not signed you in: start over.")
    person = await sign_in.identify(code, state)
    is_confirmed = is_dangerous(resumed.target)
    if is_confirmed and not person.is_recent:
        raise AuthenticationError(
            "The provider has not asked you to sign in again: sign out there, then"
            " start over."
        )
    async with database.transaction() as connection:
        user_id = await find_or_create_user(connection, settings, person)
        secret = await begin_session(
            connection,
            settings,
            user_id,
            visitor,
            before=browser.secret,
            is_confirmed=is_confirmed,
        )
    path = path_after_sign_in(resumed.user_code, resumed.target)
    return redirect_signed_in(path, settings, secret)
