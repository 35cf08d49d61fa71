"""The FastAPI application, put together from its parts."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

from promptvault import __version__
from promptvault.server import exception_handlers, logs
from promptvault.server.api import api
from promptvault.server.connections.lifespan import tracking
from promptvault.server.database import Database
from promptvault.server.event.hub import Hub
from promptvault.server.event.shutdown import closing_at_signal
from promptvault.server.health import router as health
from promptvault.server.http.body_limit import BodyLimit
from promptvault.server.http.head_requests import HeadRequests
from promptvault.server.http.request_log import RequestLog
from promptvault.server.http.security_headers import SecurityHeaders
from promptvault.server.job.worker import Worker
from promptvault.server.limit.concurrency import ConcurrencyLimit
from promptvault.server.limit.memory import MemoryLimit
from promptvault.server.limit.rule import UNKNOWN_TOKENS
from promptvault.server.oidc.provider import Provider
from promptvault.server.page.router import include_pages
from promptvault.server.settings import Settings
from promptvault.server.share.plain import router as plain_shares
from promptvault.server.share.view_count import ViewCount

_WAITING = 200
"""Requests of one account, or of one address, that wait in a worker at most."""
_WAITING_PASSWORDS = 40
"""Passwords of shares that wait to be checked in a worker at most."""


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
    app.include_router(api)
    app.include_router(health)
    app.include_router(plain_shares)
    include_pages(app)
    app.add_middleware(
        BodyLimit, limit=settings.body_limit, inflated_limit=settings.inflated_limit
    )
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestLog)
    # The last one is the outermost.
    app.add_middleware(SecurityHeaders, has_https=settings.has_https)
    return app


def _set_state(app: FastAPI, settings: Settings, names: frozenset[str]) -> None:
    state = app.state
    state.settings = settings
    state.names = names
    state.database = Database(settings)
    state.anonymous_limit = MemoryLimit(UNKNOWN_TOKENS)
    slots = (settings.requests_at_once, _WAITING, settings.pool_timeout)
    state.account_slots = ConcurrencyLimit(*slots)
    state.address_slots = ConcurrencyLimit(*slots)
    state.share_password_slots = ConcurrencyLimit(
        1, _WAITING_PASSWORDS, settings.pool_timeout
    )
    state.share_views = ViewCount(state.database)
    state.hub = Hub(settings, state.database)
    state.provider = Provider(settings) if settings.oidc_client_id else None


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    await app.state.database.open()
    try:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(closing_at_signal(app.state.hub))
            state = await stack.enter_async_context(tracking(app))
            await stack.enter_async_context(app.state.hub.running())
            await stack.enter_async_context(app.state.share_views.running())
            if app.state.settings.jobs == "inside":
                worker = Worker(app.state.settings, app.state.database)
                await stack.enter_async_context(worker.running())
            yield state
    finally:
        await app.state.database.close()
        if app.state.provider is not None:
            await app.state.provider.close()
