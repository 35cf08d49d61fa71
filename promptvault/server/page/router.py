"""All pages: rate limits and the check of forms are in front of each of them."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from starlette.responses import Response

from promptvault.server.dependencies import AppSettings
from promptvault.server.http.address import advertised_origin
from promptvault.server.limit.service import enforce_route_limit
from promptvault.server.page import (
    account,
    confirmation,
    deletion,
    device,
    invitation,
    password,
    provider,
    share,
    sign_in,
    sign_up,
    team,
)
from promptvault.server.page.browser import CurrentBrowser, check_form
from promptvault.server.page.rendering import render, show_errors_as_pages

_ASSETS = Path(__file__).parent / "assets"
_ASSET_HEADERS = {"Cache-Control": "public, max-age=3600"}

start = APIRouter()
assets = APIRouter(prefix="/pages")


@start.get("/")
async def show_start(
    request: Request, browser: CurrentBrowser, settings: AppSettings
) -> Response:
    """Show what this server is, and how to sign in."""
    values = {"origin": advertised_origin(request)}
    return render("start.html", browser, settings, values)


@assets.get("/style.css")
async def stylesheet() -> FileResponse:
    """Return the style sheet of all pages."""
    return FileResponse(_ASSETS / "style.css", headers=_ASSET_HEADERS)


@assets.get("/share.css")
async def share_stylesheet() -> FileResponse:
    """Return what the page of a shared prompt adds to the style sheet."""
    return FileResponse(_ASSETS / "share.css", headers=_ASSET_HEADERS)


@assets.get("/share.js")
async def share_script() -> FileResponse:
    """Return the script of the buttons that copy."""
    return FileResponse(_ASSETS / "share.js", headers=_ASSET_HEADERS)


@assets.get("/share.png")
async def share_image() -> FileResponse:
    """Return the image in previews of shares."""
    headers = {**_ASSET_HEADERS, "Cross-Origin-Resource-Policy": "cross-origin"}
    return FileResponse(_ASSETS / "share.png", headers=headers)


@assets.get("/icon.svg")
async def icon() -> FileResponse:
    """Return the icon of all pages."""
    return FileResponse(_ASSETS / "icon.svg", headers=_ASSET_HEADERS)


_PAGES = (
    *(start, sign_up.router, sign_in.router, provider.router, device.router),
    *(account.router, password.router, confirmation.router, deletion.router),
    *(team.router, invitation.router, share.router),
)
_PATHS = frozenset(
    str(route.path)
    for page in _PAGES
    for route in page.routes
    if isinstance(route, APIRoute)
)


def _protected(*pages: APIRouter) -> APIRouter:
    router = APIRouter(
        dependencies=[Depends(enforce_route_limit), Depends(check_form)],
        include_in_schema=False,
    )
    for page in pages:
        router.include_router(page)
    return router


_pages = _protected(*_PAGES)


def include_pages(app: FastAPI) -> None:
    """Add the pages to *app*; an error on one of them is shown as a page."""
    app.include_router(_pages)
    app.include_router(assets, include_in_schema=False)
    show_errors_as_pages(app, _PATHS)
