"""The start page, and the files that pages load: style sheets, icon, script, image."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import FileResponse
from starlette.responses import Response

from promptvault.server.dependencies import AppSettings
from promptvault.server.http.address import advertised_origin
from promptvault.server.http.compression import compressed
from promptvault.server.page.browser import CurrentBrowser
from promptvault.server.page.rendering import render

_ASSETS = Path(__file__).parent / "assets"
_STYLE = (_ASSETS / "style.css").read_bytes()
_SHARE_STYLE = (_ASSETS / "share.css").read_bytes()
_ASSET_HEADERS = {"Cache-Control": "public, max-age=3600"}

_AcceptEncoding = Annotated[str, Header()]

router = APIRouter()
assets = APIRouter(prefix="/pages")


@router.get("/")
async def show_start(
    request: Request, browser: CurrentBrowser, settings: AppSettings
) -> Response:
    """Show what this server is, and how to sign in."""
    values = {"origin": advertised_origin(request)}
    return render("start.html", browser, settings, values)


@assets.get("/style.css")
async def stylesheet(accept_encoding: _AcceptEncoding = "") -> Response:
    """Return the style sheet of all pages."""
    return _style(_STYLE, accept_encoding)


@assets.get("/share.css")
async def share_stylesheet(accept_encoding: _AcceptEncoding = "") -> Response:
    """Return what the page of a shared prompt adds to the style sheet."""
    return _style(_SHARE_STYLE, accept_encoding)


def _style(sheet: bytes, accepted: str) -> Response:
    response = compressed(sheet, accepted, media_type="text/css")
    response.headers.update(_ASSET_HEADERS)
    return response


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
