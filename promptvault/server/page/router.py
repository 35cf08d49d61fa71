"""All pages: limited by address first, and no form from elsewhere gets through."""

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from promptvault.server.limit.service import restrain
from promptvault.server.page import (
    account,
    asset,
    device,
    leaving,
    password,
    provider,
    sign_in,
    sign_up,
    start,
)
from promptvault.server.page.browser import check_form
from promptvault.server.page.rendering import show_errors_as_pages

_PAGES = (
    *(start.router, sign_up.router, sign_in.router, provider.router, device.router),
    *(account.router, password.router, leaving.router),
)
_PATHS = frozenset(
    str(route.path)
    for page in _PAGES
    for route in page.routes
    if isinstance(route, APIRoute)
)


def _protected(*pages: APIRouter) -> APIRouter:
    router = APIRouter(
        dependencies=[Depends(restrain), Depends(check_form)], include_in_schema=False
    )
    for page in pages:
        router.include_router(page)
    return router


_pages = _protected(*_PAGES)


def include_pages(app: FastAPI) -> None:
    """Give *app* its pages; an error on one of them is shown as a page."""
    app.include_router(_pages)
    app.include_router(asset.router, include_in_schema=False)
    show_errors_as_pages(app, _PATHS)
