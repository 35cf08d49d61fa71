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
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code.code import find_user_code
from promptvault.server.session.repository import SessionRepository, SignedIn
from promptvault.server.session.service import LIFE, make_session_secret
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

_LONGEST_SECRET = 100


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
    connection: Transaction,
) -> SignedIn:
    """Return who has signed in; sends everybody else to the page for that."""
    sessions = SessionRepository(connection)
    user = await sessions.find(hash_secret(settings.key, browser.secret))
    if user is None:
        raise HTTPException(303, "Sign in first", {"Location": _sign_in_for(request)})
    return user


CurrentUser = Annotated[SignedIn, Depends(_signed_in)]


def _sign_in_for(request: Request) -> str:
    return path_with_code("/signin", request.query_params.get("user_code", ""))


def path_with_code(path: str, typed: str) -> str:
    """Return a path of ours that carries a code along, where it is one.

    That is all a visitor can add to where they are sent.
    """
    code = find_user_code(typed)
    return f"{path}?user_code={code}" if code else path
