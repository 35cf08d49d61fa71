"""What the handler of a job gets."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from promptvault.server.database import Connection, Database
from promptvault.server.settings import Settings


class Work(NamedTuple):
    """A job that its worker has locked."""

    job_id: UUID
    """The same at each attempt."""
    ids: Mapping[str, str]
    """What the job was enqueued with."""
    connection: Connection
    """Its transaction also deletes the job, so its effects happen once."""
    database: Database
    """For transactions that are committed apart."""
    settings: Settings


Handler = Callable[[Work], Awaitable[None]]
"""Does the work, within a minute. It raises InvalidInputError if another attempt is
pointless; after any other exception the job is tried again later."""
