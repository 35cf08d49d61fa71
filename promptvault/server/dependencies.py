"""The parameters of endpoints: settings, database, transaction, background."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Annotated

from fastapi import Depends, Request

from promptvault.server.background import Background
from promptvault.server.database import Connection, Database
from promptvault.server.limit.concurrency import ConcurrencyLimit
from promptvault.server.settings import Settings

# All are coroutines, because FastAPI runs other functions in a thread. None depends on
# another, because FastAPI resolves the tree again for each parameter, which takes
# longer than the functions themselves.


async def settings_of(request: Request) -> Settings:
    """Return the settings of the app."""
    settings: Settings = request.app.state.settings
    return settings


async def database_of(request: Request) -> Database:
    """Return the database of this worker, for transactions within the request."""
    database: Database = request.app.state.database
    return database


async def background_of(request: Request) -> Background:
    """Return the background tasks of this worker."""
    background: Background = request.app.state.background
    return background


def account_slot(request: Request) -> AbstractAsyncContextManager[None]:
    """Return one of the slots of the request's account; a public route needs none.

    The devices of an account wait for each other there, and not with a database
    connection each, or at the parser of large bodies.
    """
    account_id = getattr(request.state, "account_id", None)
    if account_id is None:
        return nullcontext()
    slots: ConcurrencyLimit = request.app.state.account_slots
    return slots.slot(account_id)


async def transaction(request: Request) -> AsyncIterator[Connection]:
    """Yield a connection with the one transaction of an endpoint.

    What the guard counts was committed before.
    """
    database: Database = request.app.state.database
    async with account_slot(request), database.transaction() as connection:
        yield connection


AppSettings = Annotated[Settings, Depends(settings_of)]
AppDatabase = Annotated[Database, Depends(database_of)]
AppBackground = Annotated[Background, Depends(background_of)]
# The scope "function" commits before the answer is sent, so that an answer never
# reports what is rolled back.
Transaction = Annotated[Connection, Depends(transaction, scope="function")]
