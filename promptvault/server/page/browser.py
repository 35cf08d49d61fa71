"""The browser that asks for a page: its cookie, the proof of its forms, its user.

Each browser gets a cookie with a random secret. After a sign-in it gets a new secret,
whose hash is the session in the database. Each form contains another hash of the
secret. Other sites cannot read it, so they cannot send our forms (CSRF).
"""

import hmac
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from promptvault.errors import PermissionDeniedError
from promptvault.server.database import Database
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.device_code.code import find_user_code
from promptvault.server.http.address import client_network, visitor_address
from promptvault.server.limit.service import enforce_route_limit
from promptvault.server.session.repository import SessionRepository, SignedIn
from promptvault.server.session.service import LIFE, make_session_secret
from promptvault.server.session.visitor import Visitor, browser_name
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

_LONGEST_SECRET = 100
_DANGEROUS = re.compile(r"account/delete|teams/[a-z][a-z0-9-]{1,31}/(transfer|delete)")
"""Pages, without the first slash, for which users prove again who they are."""
_INVITATION = re.compile(r"join/[A-Za-z0-9_-]{1,100}")
"""The page of an invitation, without the first slash."""
_DEVICE, _TO_DEVICE = "/device", "device"
_SHARE = re.compile(r"/s/[0-9A-Za-z]{22}")


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser, signed in or not."""

    secret: str
    """The value of its cookie."""
    form_proof: str
    """What its forms must contain."""
    is_new: bool
    """Whether the request had no cookie, so that the answer must set one."""


def cookie_name(settings: Settings) -> str:
    """Return the cookie's name.

    With https it has the prefix ``__Host-``, so that no other host can set it.
    """
    return "__Host-promptvault" if settings.has_https else "promptvault"


def set_cookie(response: Response, settings: Settings, secret: str) -> None:
    """Set the cookie to *secret*, out of reach for scripts and for other sites."""
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=settings.has_https,
        httponly=True,
        samesite="lax",
    )


async def browser_of(request: Request) -> Browser:
    """Return the browser of a request, with a new secret if it has none."""
    settings: Settings = request.app.state.settings
    found = request.cookies.get(cookie_name(settings), "")
    is_new = not found or len(found) > _LONGEST_SECRET
    secret = make_session_secret() if is_new else found
    return Browser(secret, hash_secret(settings.key, f"form {secret}"), is_new)


CurrentBrowser = Annotated[Browser, Depends(browser_of)]


async def visitor_of(request: Request, settings: AppSettings) -> Visitor:
    """Return the visitor of a request, as the list of sessions shows it."""
    proxies = settings.trusted_proxies
    return Visitor(
        visitor_address(request, proxies),
        client_network(request, proxies),
        browser_name(request.headers.get("user-agent", "")),
    )


CurrentVisitor = Annotated[Visitor, Depends(visitor_of)]


async def check_page(request: Request) -> None:
    """Check the limit of a page, and whether a form is from a page of ours.

    Raises RateLimitedError and PermissionDeniedError. It is one dependency, as the
    guard of the API is.
    """
    await enforce_route_limit(request)
    if request.method == "POST":
        await _check_form(request, await browser_of(request))


async def _check_form(request: Request, browser: Browser) -> None:
    proof = (await request.form()).get("form_proof")
    is_ours = isinstance(proof, str) and hmac.compare_digest(
        proof.encode(), browser.form_proof.encode()
    )
    site = request.headers.get("sec-fetch-site", "same-origin")
    if browser.is_new or not is_ours or site not in {"same-origin", "none"}:
        raise PermissionDeniedError(
            "This form is too old, or comes from another site: open the page again."
        )


async def find_user(
    database: Database, browser: Browser, settings: Settings
) -> SignedIn | None:
    """Return the signed-in user, None if there is none."""
    if browser.is_new:
        return None
    async with database.statements() as connection:
        sessions = SessionRepository(connection)
        return await sessions.find(hash_secret(settings.key, browser.secret))


async def _signed_in(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
) -> SignedIn:
    """Return the signed-in user; redirect to the sign-in page if there is none.

    The user is read in a transaction of its own, because some pages hash a password
    next and must not hold a connection meanwhile.
    """
    user = await find_user(database, browser, settings)
    if user is None:
        raise HTTPException(303, "Sign in first", {"Location": _sign_in_for(request)})
    return user


CurrentUser = Annotated[SignedIn, Depends(_signed_in)]


def _sign_in_for(request: Request) -> str:
    if find_user_code(typed := request.query_params.get("user_code", "")):
        return path_with_code("/signin", typed)
    if share := _SHARE.match(request.url.path):
        return f"/signin?to={share[0][1:]}"
    is_device = request.url.path.startswith(_DEVICE)
    return f"/signin?to={_TO_DEVICE}" if is_device else "/signin"


async def _confirmed(request: Request, user: CurrentUser) -> SignedIn:
    """Return the signed-in user; redirect to the page that asks for proof, unless the
    user gave it within the last ten minutes."""
    if not user.is_confirmed:
        to = quote(request.url.path.strip("/"))
        raise HTTPException(303, "Confirm first", {"Location": f"/confirm?to={to}"})
    return user


ConfirmedUser = Annotated[SignedIn, Depends(_confirmed)]
"""The user, who has just given the password or signed in at the provider."""


def is_dangerous(target: str) -> bool:
    """Return True if *target* names a page for a `ConfirmedUser`."""
    return _DANGEROUS.fullmatch(target) is not None


def _is_path(target: str) -> bool:
    """Return True if *target* names a page by its path, without the first slash."""
    is_link = _INVITATION.fullmatch(target) or _SHARE.fullmatch(f"/{target}")
    return is_dangerous(target) or is_link is not None


def checked_target(to: str) -> str:
    """Return *to* if it names a page to open after a sign-in, else an empty text."""
    return to if to == _TO_DEVICE or _is_path(to) else ""


def path_after_sign_in(typed: str, to: str) -> str:
    """Return the path to open after a sign-in: ``/device``, ``/account``, a share, an
    invitation, or a page that asked for proof.

    *typed* is a device's code, *to* the target. Any other value of them leads to
    ``/account``, so a link to the sign-in page cannot redirect to another site.
    """
    if _is_path(to):
        return f"/{to}"
    is_device = checked_target(to) or find_user_code(typed)
    return path_with_code(_DEVICE, typed) if is_device else "/account"


def path_with_code(path: str, typed: str) -> str:
    """Return *path* with the code in *typed* as a parameter, if there is one."""
    code = find_user_code(typed)
    return f"{path}?user_code={code}" if code else path
