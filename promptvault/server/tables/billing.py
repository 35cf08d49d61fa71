"""Customers and subscriptions at Stripe. No card, address or invoice is stored."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from promptvault.server.tables.column import METADATA, created, moment, reference

BILLING_CUSTOMERS = Table(
    "billing_customers",
    METADATA,
    reference("account_id", "accounts", primary_key=True),
    Column("customer", Text, nullable=False, unique=True),
    moment("reconciled_at", index=True),
    # Seconds until it may be fetched again: many events lead to few requests.
    Column("pause_seconds", Integer, nullable=False, server_default=text("0")),
    created(),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("id", Text, primary_key=True),
    reference("account_id", "accounts", nullable=False, index=True),
    Column("status", Text, nullable=False),
    Column("price", Text, nullable=False),
    Column("interval", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    moment("period_end"),
    moment("cancel_at"),
    Column("cancel_at_period_end", Boolean, nullable=False),
    moment("trial_end"),
    moment("past_due_since"),
    # When the owner was mailed that the grace period is about to end.
    moment("warned_at"),
    Column("invoice_url", Text),
    moment("fetched_at", nullable=False),
    Index(
        "subscriptions_past_due_since_index",
        "past_due_since",
        postgresql_where=text("past_due_since IS NOT NULL"),
    ),
)
