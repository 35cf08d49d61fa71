"""The application, put together."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

from promptvault import __version__
from promptvault.server import exception_handlers, logs
from promptvault.server.api import api
from promptvault.server.background import Background
from promptvault.server.database import Database
from promptvault.server.event.hub import Hub
from promptvault.server.event.stopping import close_at_signal
from promptvault.server.front.lifespan import bounded
from promptvault.server.front.strangers import Strangers
from promptvault.server.front.turns import Turns
from promptvault.server.health.endpoints import router as health
from promptvault.server.http.body_limit import BodyLimit
from promptvault.server.http.head_requests import HeadRequests
from promptvault.server.http.request_log import RequestLog
from promptvault.server.http.security_headers import SecurityHeaders
from promptvault.server.limit.rule import UNKNOWN_TOKENS
from promptvault.server.oidc.provider import Provider
from promptvault.server.page.router import include_pages
from promptvault.server.retention.upkeep import upkeep
from promptvault.server.settings import Settings

_WAITING = 200
"""Requests of one account, or address, that wait for their turn at one worker."""


def create_app(settings: Settings, names: frozenset[str] = frozenset()) -> FastAPI:
    """Return an app of its own, which connects when it starts.

    By *names*, a client may be told of the server as it calls it; without any, it is
    told of ``public_url`` alone.
    """
    logs.configure()
    app = FastAPI(
        title="PromptVault",
        version=__version__,
        lifespan=_lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # their pages load scripts from somewhere else
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.state.names = names
    app.state.background = Background()
    app.state.database = Database(settings)
    app.state.strangers = Strangers(UNKNOWN_TOKENS)
    turns = (settings.requests_at_once, _WAITING, settings.pool_timeout)
    app.state.account_turns, app.state.address_turns = Turns(*turns), Turns(*turns)
    app.state.hub = Hub(settings, app.state.database)
    app.state.provider = Provider(settings) if settings.oidc_client_id else None
    exception_handlers.register(app)
    app.include_router(api)
    app.include_router(health)
    include_pages(app)
    app.add_middleware(
        BodyLimit, limit=settings.body_limit, inflated_limit=settings.inflated_limit
    )
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestLog)
    # The last one is the outermost.
    app.add_middleware(SecurityHeaders, has_https=settings.has_https)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    await app.state.database.open()
    close_at_signal(app.state.hub)
    try:
        async with contextlib.AsyncExitStack() as stack:
            state = await stack.enter_async_context(bounded(app))
            await stack.enter_async_context(app.state.hub.running())
            if app.state.settings.purge_daily:
                working = upkeep(app.state.database, app.state.settings)
                await stack.enter_async_context(working)
            yield state
    finally:
        await app.state.background.finish()
        await app.state.database.close()
        if app.state.provider is not None:
            await app.state.provider.close()
