"""Rendering pages from the templates in this folder."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from promptvault.server.page.browser import Browser, set_cookie
from promptvault.server.settings import Settings

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,  # it looks at the files of a page for each request
    trim_blocks=True,
    lstrip_blocks=True,
)

_ENVIRONMENT.filters["utc"] = lambda time: time.astimezone(UTC)
"""PostgreSQL returns times in its own time zone."""

_TITLES = {
    401: "Sign in first",
    402: "The plan does not allow it",
    403: "Not allowed",
    404: "There is nothing here",
    405: "There is nothing here",
    409: "Not available at the moment",
    410: "This link has ended",
    422: "That does not work",
    429: "Too many requests",
    503: "Not available at the moment",
}

_LOST = "There is no page at this address: it was mistyped, or is old."

_Handler = Callable[[Request, Any], Awaitable[Response]]


def render(
    template: str,
    browser: Browser,
    settings: Settings,
    values: Mapping[str, object] = MappingProxyType({}),
    status: int = 200,
) -> Response:
    """Return a page; set the cookie of a new browser."""
    text = page_text(template, browser, settings, values)
    response = HTMLResponse(text, status)
    if browser.is_new:
        set_cookie(response, settings, browser.secret)
    return response


def page_text(
    template: str, browser: Browser, settings: Settings, values: Mapping[str, object]
) -> str:
    """Return the HTML of a page."""
    return _ENVIRONMENT.get_template(template).render(
        {
            "form_proof": browser.form_proof,
            "user": None,
            "has_mail": bool(settings.smtp_host),
            "is_open": settings.sign_up == "open",
            "provider": settings.oidc_name if settings.oidc_client_id else None,
            **values,
        }
    )


def redirect(path: str) -> Response:
    """Return a redirect to another of our pages, which is opened by GET."""
    return RedirectResponse(path, 303)


def redirect_signed_in(path: str, settings: Settings, secret: str) -> Response:
    """Return a redirect that sets the cookie to a new session's *secret*."""
    response = redirect(path)
    set_cookie(response, settings, secret)
    return response


def show_errors_as_pages(app: FastAPI, paths: frozenset[str]) -> None:
    """Make the error handlers of *app* answer with a page if a page was requested.

    That is the case if the path of the route is one of *paths*, or if a browser
    requests a path that does not exist.
    """
    for kind, handler in [*app.exception_handlers.items()]:
        app.add_exception_handler(kind, _as_page(handler, paths))


def _as_page(handler: Any, paths: frozenset[str]) -> _Handler:
    async def answer(request: Request, error: Any) -> Response:
        response: Response = await handler(request, error)
        is_lost = _is_lost(request, response)
        is_page = is_lost or (_route_path(request) in paths and not _is_api(request))
        if not is_page or "location" in response.headers:
            return response
        text = _error_page(
            response.status_code, _LOST if is_lost else _message(response)
        )
        page = HTMLResponse(text, response.status_code)
        if "retry-after" in response.headers:
            page.headers["Retry-After"] = response.headers["Retry-After"]
        return page

    return answer


def _route_path(request: Request) -> str | None:
    """Return the path of the request's route, with the names of its parameters.

    It is without the prefix of the API.
    """
    path: str | None = getattr(request.scope.get("route"), "path", None)
    return path


def _is_lost(request: Request, response: Response) -> bool:
    """Return True if a browser requested a path that does not exist."""
    asks_for_page = "text/html" in request.headers.get("accept", "")
    is_missing = response.status_code in {404, 405}
    return is_missing and asks_for_page and not _is_api(request)


def _is_api(request: Request) -> bool:
    """Return True for a route of the API, whose path may end as that of a page."""
    return request.url.path.startswith("/v1/")


def _message(response: Response) -> str:
    message: str = json.loads(bytes(response.body))["error"]["message"]
    return message


def _error_page(status: int, message: str) -> str:
    title = _TITLES.get(status, "Something went wrong")
    return _ENVIRONMENT.get_template("error.html").render(
        title=title, message=message, user=None
    )
