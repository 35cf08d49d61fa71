"""Rate limits, settings of the server, and the ids of handled events."""

from sqlalchemy import Column, Double, Table, Text, UniqueConstraint

from promptvault.server.tables.base import METADATA, created, identity, moment

# Unlogged, so that writes are cheap. A crash empties it, which only resets the limits.
RATE_LIMITS = Table(
    "rate_limits",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("tokens", Double, nullable=False),
    moment("updated_at", nullable=False),
    prefixes=["UNLOGGED"],
)

SERVER_SETTINGS = Table(
    "server_settings",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

EXTERNAL_EVENTS = Table(
    "external_events",
    METADATA,
    identity(),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    created(index=True),
    UniqueConstraint("source", "external_id"),
)
