"""Accounts with their plans and limits, their users, and identities at providers."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, func, text

from promptvault.server.tables.base import (
    METADATA,
    created,
    identity,
    moment,
    reference,
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    identity(),
    Column("plan", Text, nullable=False),
    # A copy of the plan's limit, null without one, so that sync reads only this row. It
    # is written together with the plan.
    Column("prompt_limit", Integer),
    Column("prompt_count", Integer, nullable=False, server_default=text("0")),
    # Bytes of all rows in its vaults, by `sync.cost`. The limit is in the settings.
    Column("stored_bytes", BigInteger, nullable=False, server_default=text("0")),
    created(),
    moment("deleted_at"),
)

USERS = Table(
    "users",
    METADATA,
    identity(),
    reference("account_id", "accounts", nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text),
    moment("email_verified_at"),
    Column("role", Text, nullable=False),
    created(),
    # From this time on the address is free. The data are erased at `erase_at`.
    moment("deleted_at"),
    moment("erase_at"),
)
Index(
    "users_email_key",
    func.lower(USERS.c.email),
    unique=True,
    postgresql_where=USERS.c.deleted_at.is_(None),
)
Index(
    "users_erase_at_index",
    USERS.c.erase_at,
    postgresql_where=USERS.c.erase_at.is_not(None),
)

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    reference("user_id", "users", index=True),
    # On the provider's clock, in milliseconds. Older events are ignored.
    Column("changed_at", BigInteger, nullable=False, server_default=text("0")),
    moment("deleted_at"),
    Index(
        "identities_deleted_at_index",
        "deleted_at",
        postgresql_where=text("user_id IS NULL"),
    ),
)
