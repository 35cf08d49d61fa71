"""The page of a shared prompt, which anybody with the link can read."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from promptvault.domain.timestamp import from_text
from promptvault.domain.variable import Variable
from promptvault.errors import AuthenticationError
from promptvault.server.dependencies import AppSettings
from promptvault.server.http.address import advertised_origin
from promptvault.server.http.head_requests import is_head
from promptvault.server.page.browser import (
    Browser,
    CurrentBrowser,
    CurrentUser,
    find_user,
)
from promptvault.server.page.rendering import page_text, redirect, render
from promptvault.server.settings import Settings
from promptvault.server.share.copying import copy_prompt
from promptvault.server.share.highlight import (
    Highlighted,
    highlight_long,
    highlight_short,
    visible,
    without_invisible,
)
from promptvault.server.share.passing import COOKIE, make_cookie
from promptvault.server.share.reading import StoredShare
from promptvault.server.share.visit import CurrentVisit, Shown

router = APIRouter(prefix="/s")

_HEADERS = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Vary": "Cookie",
    # As for other pages, and one script for the button that copies.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
_CACHED = {"Cache-Control": "private, max-age=60"}
_SHORT = 20_000
"""Characters; the HTML of a longer text is made in a thread."""
_LONG_TEXTS = ThreadPoolExecutor(1, "long share")
_PREVIEW = 150
_HIDDEN_TITLE = "A shared prompt"


class Preview(NamedTuple):
    """What a chat program shows of a link."""

    title: str
    description: str
    image: str


class UseLine(NamedTuple):
    """A command that uses the share."""

    label: str
    text: str


@router.get("/{share_token}")
async def show_share(
    share_token: str,
    request: Request,
    browser: CurrentBrowser,
    visit: CurrentVisit,
    done: str = "",
) -> Response:
    """Show the prompt, or ask for the password, or whether to use up a view."""
    settings = visit.settings  # not a parameter: each takes one percent of the time
    share = await visit.find(share_token)
    origin = advertised_origin(request)
    if not share.is_open and not visit.has_passed(share):
        return _closed(browser, settings, share, origin)
    shown = await visit.show(share)
    values = {
        **await _values(share, shown, f"{origin}/s/{share.token}"),
        "preview": _preview(share, shown, origin),
        "user": await find_user(visit.database, browser, settings),
        "is_copied": done == "copied",
        "report_to": _report_address(settings, share),
    }
    if share.max_views is None and not is_head(request):
        await visit.count(share)
    return _page(request, browser, settings, share, values)


@router.post("/{share_token}")
async def open_share(
    share_token: str,
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    visit: CurrentVisit,
    password: Annotated[str, Form()] = "",
) -> Response:
    """Check the password and use up a view, if the share has either."""
    share = await visit.find(share_token)
    if share.password_hash is not None or password:
        try:
            await visit.check_password(share, password)
        except AuthenticationError as error:
            origin = advertised_origin(request)
            return _closed(browser, settings, share, origin, str(error))
    await visit.show(share)  # a paused share uses up no view
    if share.max_views is not None:
        await visit.count(share)
    return _passed(settings, share)


@router.post("/{share_token}/copy")
async def copy_share(
    share_token: str,
    request: Request,
    settings: AppSettings,
    visit: CurrentVisit,
    user: CurrentUser,
) -> Response:
    """Add the prompt to the vault of the signed-in user."""
    share = await visit.find(share_token)
    if not share.is_open and not visit.has_passed(share):
        return redirect(f"/s/{share.token}")
    shown = await visit.show(share)
    url = f"{advertised_origin(request)}/s/{share.token}"
    moved = await copy_prompt(visit.database, settings, user, shown, url)
    await request.app.state.hub.publish(moved)
    return redirect(f"/s/{share.token}?done=copied")


def _passed(settings: Settings, share: StoredShare) -> Response:
    """Return the redirect to the page, with the cookie that opens it."""
    path = f"/s/{share.token}"
    response = redirect(path)
    value, seconds = make_cookie(settings.key, share)
    response.set_cookie(
        COOKIE,
        value,
        max_age=seconds,
        path=path,
        secure=settings.has_https,
        httponly=True,
        samesite="lax",
    )
    return response


def _closed(
    browser: Browser,
    settings: Settings,
    share: StoredShare,
    origin: str,
    problem: str = "",
) -> Response:
    """Return the page before the prompt, which reveals nothing about it."""
    has_password = share.password_hash is not None
    values = {
        "preview": _preview(None, None, origin),
        "token": share.token,
        "has_password": has_password,
        "left": None if share.max_views is None else share.max_views - share.views,
        "max_views": share.max_views,
        "problem": problem,
    }
    status = 401 if has_password else 200
    response = render("share_closed.html", browser, settings, values, status)
    response.headers.update(_HEADERS)
    return response


async def _values(share: StoredShare, shown: Shown, url: str) -> dict[str, object]:
    text, details = shown.text, shown.details
    body = await _highlighted(text.body, text.template)
    named = (details.title, details.description, *(_words(shown)))
    hidden = body.invisible + sum(_count_invisible(each) for each in named)
    return {
        "title": without_invisible(details.title or details.name),
        "name": details.name,
        "description": details.description,
        "number": shown.number,
        "updated": _day(text.created_at),
        "author": shown.author(share),
        "expires": _in_words(share.expires_at - share.now) if share.expires_at else "",
        "body": body.html,
        "includes": body.includes,
        "invisible": hidden,
        "variables": _variables(shown, body),
        "visible": visible,
        "token": share.token,
        "lines": _lines(share, _variables(shown, body), url),
        "is_limited": share.max_views is not None,
    }


def _words(shown: Shown) -> list[str]:
    """Return what is shown of the variables, and of the author."""
    found = [shown.text.author]
    for each in shown.text.variables:
        found += [each.name, each.description, str(each.default or "")]
        found += map(str, each.choices)
    return found


def _count_invisible(text: str) -> int:
    return len(text) - len(without_invisible(text))


async def _highlighted(body: str, template: bool) -> Highlighted:
    if len(body) <= _SHORT:
        return highlight_short(body, template)
    # One at a time: readers of one long text wait for what the first one has made.
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_LONG_TEXTS, highlight_long, body, template)


def _variables(shown: Shown, body: Highlighted) -> list[Variable]:
    """Return the declared variables, and then the others that the text uses."""
    declared = [*shown.text.variables]
    names = {each.name for each in declared}
    return declared + [Variable(name) for name in body.names if name not in names]


def _lines(
    share: StoredShare, variables: Sequence[Variable], url: str
) -> list[UseLine]:
    needed = [each for each in variables if each.required and each.default is None]
    values = "".join(f" -p {each.name}=…" for each in needed if each.name != "stdin")
    password = "-u :PASSWORD " if share.password_hash is not None else ""
    return [
        UseLine("Print it, filled in", f"promptvault get {url}{values}"),
        UseLine("Keep it in your vault", f"promptvault import {url}"),
        UseLine("Without PromptVault", f"curl {password}{url}/raw"),
    ]


def _preview(share: StoredShare | None, shown: Shown | None, origin: str) -> Preview:
    """Return the preview of an open share; of any other it says nothing."""
    image = f"{origin}/pages/share.png"
    if share is None or shown is None or not share.is_open:
        return Preview(_HIDDEN_TITLE, "", image)
    title = shown.details.title or shown.details.name
    text = shown.details.description or shown.text.body
    words = " ".join(without_invisible(text[: 4 * _PREVIEW]).split())
    return Preview(without_invisible(title), words[:_PREVIEW], image)


def _report_address(settings: Settings, share: StoredShare) -> str:
    if not settings.abuse_mail:
        return ""
    subject = quote(f"Shared prompt {share.token}")
    return f"mailto:{settings.abuse_mail}?subject={subject}"


def _page(
    request: Request,
    browser: Browser,
    settings: Settings,
    share: StoredShare,
    values: Mapping[str, object],
) -> Response:
    text = page_text("share.html", browser, settings, values)
    headers = dict(_HEADERS)
    if share.is_open:
        tag = f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
        headers |= {**_CACHED, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
    # Without a form on it, the page needs no cookie.
    return HTMLResponse(text, headers=headers)


def _day(text: str) -> str:
    try:
        time = from_text(text)
    except ValueError:
        return ""
    return f"{time.day} {time:%B %Y}"


def _in_words(left: timedelta) -> str:
    """Return about how much time is left: "in 6 days"."""
    for name, seconds in (("day", 86400), ("hour", 3600)):
        count = round(left.total_seconds() / seconds)
        if count >= 2:
            return f"in {count} {name}s"
    minutes = max(1, round(left.total_seconds() / 60))
    return f"in {minutes} minute{'s' if minutes > 1 else ''}"
