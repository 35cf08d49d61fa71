"""The FastAPI application.

Each route of the API, under /v1, is behind the guard; each page is behind the check of
limits and forms.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from promptvault import __version__
from promptvault.server import exception_handlers, logs
from promptvault.server.account.endpoints import router as account
from promptvault.server.ai.endpoints import router as ai
from promptvault.server.ai.service import Hosted
from promptvault.server.billing.endpoints import router as billing
from promptvault.server.billing.service import PriceList
from promptvault.server.billing.webhook import router as stripe_webhook
from promptvault.server.connections.lifespan import tracking
from promptvault.server.database import Database
from promptvault.server.device.endpoints import router as device
from promptvault.server.device_code.endpoints import router as device_code
from promptvault.server.event.endpoints import router as event
from promptvault.server.event.hub import Hub
from promptvault.server.event.shutdown import closing_at_signal
from promptvault.server.guard import Guard
from promptvault.server.health import router as health
from promptvault.server.http.body_limit import BodyLimit
from promptvault.server.http.head_requests import HeadRequests
from promptvault.server.http.request_log import RequestLog
from promptvault.server.http.security_headers import SecurityHeaders
from promptvault.server.invitation.endpoints import router as invitation
from promptvault.server.job.worker import Worker
from promptvault.server.limit.concurrency import ConcurrencyLimit
from promptvault.server.limit.memory import MemoryLimit
from promptvault.server.limit.redis_repository import TAKE
from promptvault.server.limit.rule import UNKNOWN_TOKENS
from promptvault.server.oidc.provider import Provider
from promptvault.server.page.account import router as account_page
from promptvault.server.page.billing import router as billing_page
from promptvault.server.page.browser import check_page
from promptvault.server.page.confirmation import router as confirmation_page
from promptvault.server.page.deletion import router as deletion_page
from promptvault.server.page.device import router as device_page
from promptvault.server.page.invitation import router as invitation_page
from promptvault.server.page.password import router as password_page
from promptvault.server.page.provider import router as provider_page
from promptvault.server.page.rendering import show_errors_as_pages
from promptvault.server.page.share import router as share_page
from promptvault.server.page.sign_in import router as sign_in_page
from promptvault.server.page.sign_up import router as sign_up_page
from promptvault.server.page.start import assets
from promptvault.server.page.start import router as start_page
from promptvault.server.page.team import router as team_page
from promptvault.server.redis.client import Redis
from promptvault.server.settings import Settings
from promptvault.server.share.endpoints import router as share
from promptvault.server.share.plain import router as plain_shares
from promptvault.server.share.view_count import ViewCount
from promptvault.server.sync.endpoints import router as sync
from promptvault.server.team.endpoints import router as team
from promptvault.server.token.endpoints import router as token
from promptvault.server.token.known_bearers import COUNT, KnownBearers
from promptvault.server.vault.endpoints import router as vault
from promptvault.server.webhook.endpoints import router as webhook
from promptvault.wire.error import ErrorRead

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorRead, "description": description}
    for status, description in {
        400: "The body cannot be read.",
        401: "No token, or one that is unknown, expired or revoked.",
        403: "Not allowed.",
        413: "The body is too long.",
        415: "The body is in an encoding other than gzip and zstd.",
        422: "The request is not valid.",
        429: "Too many requests; `Retry-After` says when to try again.",
        503: "The database does not answer.",
    }.items()
}
# Routes are matched in this order, so the most frequent ones come first: sync, and then
# the page of a share.
_API = (
    *(sync, event, vault, account, device, team, invitation),
    *(device_code, token, share, billing, ai, webhook, stripe_webhook),
)
_PAGES = (
    share_page,
    *(start_page, sign_up_page, sign_in_page, provider_page),
    *(device_page, account_page, password_page, confirmation_page, deletion_page),
    *(team_page, invitation_page, billing_page),
)
_PAGE_PATHS = frozenset(
    str(route.path)
    for page in _PAGES
    for route in page.routes
    if isinstance(route, APIRoute)
)
_WAITING = 200
"""Requests of one account, or of one address, that wait in a worker at most."""
_WAITING_PASSWORDS = 40
"""Passwords of shares that wait to be checked in a worker at most."""


# Routers are included in the app itself, and not in one router for all of them: FastAPI
# walks through a router of routers again for each request.


def include_protected(app: FastAPI, resource: APIRouter) -> None:
    """Add *resource* to *app* under /v1; each of its routes asks the guard."""
    app.include_router(
        resource, prefix="/v1", dependencies=[Depends(Guard())], responses=_ERRORS
    )


def create_app(settings: Settings, names: frozenset[str] = frozenset()) -> FastAPI:
    """Return a new app, which connects to the database when it starts.

    *names* are host names of this server: a request that used one of them gets an
    answer with that name in its URLs. Without names, URLs start with ``public_url``.
    """
    logs.configure()
    app = FastAPI(
        title="PromptVault",
        version=__version__,
        lifespan=_lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    _set_state(app, settings, names)
    exception_handlers.register(app)
    include_protected(app, _API[0])
    _include_page(app, _PAGES[0])
    for resource in _API[1:]:
        include_protected(app, resource)
    app.include_router(health)
    app.include_router(plain_shares)
    _include_other_pages(app)
    app.add_middleware(
        BodyLimit, limit=settings.body_limit, inflated_limit=settings.inflated_limit
    )
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestLog)
    # The last one is the outermost.
    app.add_middleware(SecurityHeaders, has_https=settings.has_https)
    return app


def _include_page(app: FastAPI, page: APIRouter) -> None:
    """Add *page* to *app*; rate limits and the check of forms are in front of it."""
    checks = [Depends(check_page)]
    app.include_router(page, dependencies=checks, include_in_schema=False)


def _include_other_pages(app: FastAPI) -> None:
    """Add the other pages to *app*; an error on any page is shown as a page."""
    for page in _PAGES[1:]:
        _include_page(app, page)
    app.include_router(assets, include_in_schema=False)
    show_errors_as_pages(app, _PAGE_PATHS)


def _set_state(app: FastAPI, settings: Settings, names: frozenset[str]) -> None:
    state = app.state
    state.settings = settings
    state.names = names
    state.database = Database(settings)
    state.redis = state.known_bearers = None
    if settings.redis_url is not None:
        state.redis = Redis(settings, (TAKE, COUNT))
        state.known_bearers = KnownBearers(
            state.redis, settings.request_limit, settings.account_limit
        )
    state.anonymous_limit = MemoryLimit(UNKNOWN_TOKENS)
    slots = (settings.requests_at_once, _WAITING, settings.pool_timeout)
    state.account_slots = ConcurrencyLimit(*slots)
    state.address_slots = ConcurrencyLimit(*slots)
    state.share_password_slots = ConcurrencyLimit(
        1, _WAITING_PASSWORDS, settings.pool_timeout
    )
    state.share_views = ViewCount(state.database)
    state.hub = Hub(settings, state.database)
    state.prices = PriceList(settings)
    state.hosted = (
        Hosted(settings, state.database, state.redis) if settings.has_ai else None
    )
    state.provider = Provider(settings) if settings.oidc_client_id else None


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    await app.state.database.open()
    try:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(closing_at_signal(app.state.hub))
            state = await stack.enter_async_context(tracking(app))
            await stack.enter_async_context(app.state.hub.running())
            if app.state.redis is not None:
                await stack.enter_async_context(app.state.redis.running())
            await stack.enter_async_context(app.state.share_views.running())
            if app.state.hosted is not None:
                await stack.enter_async_context(app.state.hosted.running())
            if app.state.settings.jobs == "inside":
                worker = Worker(app.state.settings, app.state.database)
                await stack.enter_async_context(worker.running())
            yield state
    finally:
        await app.state.database.close()
        if app.state.provider is not None:
            await app.state.provider.close()
