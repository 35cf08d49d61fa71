"""Device codes, sessions, one-time links, known networks, sign-ups."""

from sqlalchemy import CHAR, Boolean, Column, Integer, Table, Text, text

from promptvault.server.tables.base import (
    METADATA,
    created,
    identity,
    moment,
    reference,
)

DEVICE_CODES = Table(
    "device_codes",
    METADATA,
    identity(),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("user_code", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    reference("user_id", "users", index=True),
    Column("device_label", Text, nullable=False),
    Column("device_os", Text, nullable=False),
    Column("ip", Text, nullable=False),
    created(),
    moment("expires_at", nullable=False, index=True),
    Column("interval_seconds", Integer, nullable=False),
    moment("last_polled_at"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    identity(),
    reference("user_id", "users", nullable=False, index=True),
    Column("hash", CHAR(64), nullable=False, unique=True),
    # Only shown on the account page.
    Column("browser", Text, nullable=False, server_default=text("''")),
    Column("ip", Text, nullable=False, server_default=text("''")),
    created(),
    moment("expires_at", nullable=False, index=True),
)

# One-time links: to set a password, or to undo a deletion.
ACCOUNT_LINKS = Table(
    "account_links",
    METADATA,
    identity(),
    reference("user_id", "users", nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("is_mailed", Boolean, nullable=False),
    Column("hash", CHAR(64), nullable=False, unique=True),
    created(),
    moment("expires_at", nullable=False, index=True),
)

# Networks from which a user has signed in, as HMACs. Guesses from other networks do not
# keep the user out of these.
KNOWN_NETWORKS = Table(
    "known_networks",
    METADATA,
    reference("user_id", "users", primary_key=True),
    Column("hash", CHAR(64), primary_key=True),
    moment("used_at", nullable=False, index=True),
)

SIGN_UPS = Table(
    "sign_ups",
    METADATA,
    identity(),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    created(),
    moment("expires_at", nullable=False, index=True),
)

PROVIDER_SIGN_INS = Table(
    "provider_sign_ins",
    METADATA,
    identity(),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("browser_hash", CHAR(64), nullable=False),
    Column("user_code", Text, nullable=False),
    created(),
    moment("expires_at", nullable=False, index=True),
)
