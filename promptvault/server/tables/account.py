"""Accounts, which pay and have limits, and the users who sign in to them."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint, func, text

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
    # A copy of what the plan allows, null without limit: sync reads this row alone,
    # and whatever sets plans (the operator, later billing) writes it.
    Column("prompt_limit", Integer),
    Column("prompt_count", Integer, nullable=False, server_default=text("0")),
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
    Column("oidc_issuer", Text),
    Column("oidc_subject", Text),
    Column("role", Text, nullable=False),
    created(),
    UniqueConstraint("oidc_issuer", "oidc_subject"),
)
Index("users_email_key", func.lower(USERS.c.email), unique=True)
