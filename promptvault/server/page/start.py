"""The page at the server's address, for who comes without knowing what it is."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from promptvault.server.dependencies import AppSettings
from promptvault.server.http.address import told_origin
from promptvault.server.page.browser import CurrentBrowser
from promptvault.server.page.rendering import render

router = APIRouter()


@router.get("/")
async def show_start(
    request: Request, browser: CurrentBrowser, settings: AppSettings
) -> Response:
    """Tell what this is, and where to go on."""
    values = {"origin": told_origin(request)}
    return render("start.html", browser, settings, values)
