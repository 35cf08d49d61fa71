"""What endpoints ask for: settings, the transaction, and who is asking."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from promptvault.server.database import Connection, Database
from promptvault.server.settings import Settings

# All are coroutines, also where there is nothing to wait for: FastAPI would send each
# of the others to a thread. And none asks for another: FastAPI walks through those
# again wherever they are asked for, which takes longer than they do.


async def settings_of(request: Request) -> Settings:
    """Return the settings that the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


async def database_of(request: Request) -> Database:
    """Return this worker's database, for what must not wait for the request's end."""
    database: Database = request.app.state.database
    return database


async def transaction(request: Request) -> AsyncIterator[Connection]:
    """Hold the connection of a request, and the one transaction of what it does.

    What the guard counts is committed before that one begins.
    """
    database: Database = request.app.state.database
    async with database.transaction() as connection:
        yield connection


AppSettings = Annotated[Settings, Depends(settings_of)]
AppDatabase = Annotated[Database, Depends(database_of)]
# With the scope "function" it commits before the answer leaves: nobody is told that
# something was done which then was not.
Transaction = Annotated[Connection, Depends(transaction, scope="function")]
