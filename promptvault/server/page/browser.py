"""Who looks at a page: a cookie, what proves that forms are ours, and who signed in.

Everybody has a cookie, a secret drawn by lot. Its hash stands in the database once
somebody has signed in, under another secret than before; a hash of another kind stands
in each form, and nobody who cannot read the page knows it.
"""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from promptvault.errors import PermissionDeniedError
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.device_code.code import find_user_code
from promptvault.server.http.address import client_network, visitor_address
from promptvault.server.session.repository import SessionRepository, SignedIn
from promptvault.server.session.service import LIFE, make_session_secret
from promptvault.server.session.visitor import Visitor, browser_name
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

_LONGEST_SECRET = 100
_DEVICE, _TO_DEVICE = "/device", "device"


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser, whether somebody has signed in there or not."""

    secret: str
    form_proof: str
    is_new: bool


def cookie_name(settings: Settings) -> str:
    """Return the cookie's name; by https one that no other site can set for us."""
    return "__Host-promptvault" if settings.has_https else "promptvault"


def set_cookie(response: Response, settings: Settings, secret: str) -> None:
    """Let the browser keep *secret*, where no script and no other site reads it."""
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=settings.has_https,
        httponly=True,
        samesite="lax",
    )


def browser_of(request: Request, settings: AppSettings) -> Browser:
    """Return the browser that asks, with a new secret where it has none."""
    found = request.cookies.get(cookie_name(settings), "")
    is_new = not found or len(found) > _LONGEST_SECRET
    secret = make_session_secret() if is_new else found
    return Browser(secret, hash_secret(settings.key, f"form {secret}"), is_new)


CurrentBrowser = Annotated[Browser, Depends(browser_of)]


async def visitor_of(request: Request, settings: AppSettings) -> Visitor:
    """Return where a request comes from, as a session's list shows it."""
    proxies = settings.trusted_proxies
    return Visitor(
        visitor_address(request, proxies),
        client_network(request, proxies),
        browser_name(request.headers.get("user-agent", "")),
    )


CurrentVisitor = Annotated[Visitor, Depends(visitor_of)]


async def check_form(request: Request, browser: CurrentBrowser) -> None:
    """Raise PermissionDeniedError for a form that did not come from a page of ours."""
    if request.method != "POST":
        return
    proof = (await request.form()).get("form_proof")
    is_ours = isinstance(proof, str) and hmac.compare_digest(
        proof.encode(), browser.form_proof.encode()
    )
    site = request.headers.get("sec-fetch-site", "same-origin")
    if browser.is_new or not is_ours or site not in {"same-origin", "none"}:
        raise PermissionDeniedError(
            "This form is too old, or comes from another site: open the page again."
        )


async def _signed_in(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
) -> SignedIn:
    """Return who has signed in; sends everybody else to the page for that.

    It is looked up in a transaction of its own: some pages go on to hash a password,
    during which no connection is held.
    """
    async with database.transaction() as connection:
        sessions = SessionRepository(connection)
        user = await sessions.find(hash_secret(settings.key, browser.secret))
    if user is None:
        raise HTTPException(303, "Sign in first", {"Location": _sign_in_for(request)})
    return user


CurrentUser = Annotated[SignedIn, Depends(_signed_in)]


def _sign_in_for(request: Request) -> str:
    if find_user_code(typed := request.query_params.get("user_code", "")):
        return path_with_code("/signin", typed)
    is_device = request.url.path.startswith(_DEVICE)
    return f"/signin?to={_TO_DEVICE}" if is_device else "/signin"


def path_after_sign_in(typed: str, to: str) -> str:
    """Return the page that a visitor goes on to: of a device that waits, or of all.

    That is all a visitor can say of where they are sent.
    """
    is_device = to == _TO_DEVICE or find_user_code(typed)
    return path_with_code(_DEVICE, typed) if is_device else "/account"


def path_with_code(path: str, typed: str) -> str:
    """Return a path of ours that carries a code along, where it is one."""
    code = find_user_code(typed)
    return f"{path}?user_code={code}" if code else path
