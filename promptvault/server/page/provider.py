"""The way to the provider that signs people in, and the way back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from promptvault.errors import AuthenticationError, NotFoundError
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.device_code.code import find_user_code
from promptvault.server.oidc.account import user_of
from promptvault.server.oidc.service import CALLBACK, ProviderSignIn
from promptvault.server.page.browser import (
    CurrentBrowser,
    CurrentVisitor,
    path_after_sign_in,
    set_cookie,
)
from promptvault.server.page.rendering import redirect, redirect_signed_in
from promptvault.server.session.service import begin

router = APIRouter()


def _sign_in_of(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
) -> ProviderSignIn:
    provider = request.app.state.provider
    if provider is None:
        raise NotFoundError("No provider signs people in here.")
    return ProviderSignIn(database, settings, provider, browser.secret)


CurrentSignIn = Annotated[ProviderSignIn, Depends(_sign_in_of)]


@router.get("/signin/provider")
async def go_to_provider(
    browser: CurrentBrowser,
    settings: AppSettings,
    sign_in: CurrentSignIn,
    user_code: str = "",
) -> Response:
    """Send the browser to the provider."""
    response = redirect(await sign_in.begin(find_user_code(user_code) or ""))
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
    """Sign in whom the provider has sent back, and go on to the device that waits."""
    user_code = await sign_in.resume(state)
    if not code or iss not in {None, settings.oidc_issuer}:
        raise AuthenticationError("The provider has not signed you in: start over.")
    person = await sign_in.identify(code, state)
    async with database.transaction() as connection:
        user_id = await user_of(connection, settings, person)
        secret = await begin(
            connection, settings, user_id, visitor, before=browser.secret
        )
    return redirect_signed_in(path_after_sign_in(user_code, to=""), settings, secret)
