"""Devices and access tokens."""

from sqlalchemy import CHAR, Column, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY

from promptvault.server.tables.base import (
    METADATA,
    created,
    identity,
    moment,
    reference,
)

DEVICES = Table(
    "devices",
    METADATA,
    identity(),
    reference("user_id", "users", nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("os", Text, nullable=False),
    created(),
    moment("last_seen_at"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    identity(),
    reference("user_id", "users", nullable=False, index=True),
    reference("device_id", "devices", index=True),
    Column("name", Text, nullable=False),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    created(),
    moment("expires_at", nullable=False),
    moment("last_used_at"),
    moment("revoked_at"),
)
Index("tokens_ended_index", func.least(TOKENS.c.expires_at, TOKENS.c.revoked_at))
