"""Accounts, sign-in, limits and jobs."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from promptvault.server.tables.column import (
    METADATA,
    choice,
    created,
    identity,
    moment,
    reference,
)

# Accounts with their plans and limits, their users, and identities at providers.

ACCOUNTS = Table(
    "accounts",
    METADATA,
    identity(),
    Column("plan", Text, nullable=False),
    # A copy of the plan's limit, null without one, so that sync reads only this row. It
    # is written together with the plan.
    Column("prompt_limit", Integer),
    Column("prompt_count", Integer, nullable=False, server_default=text("0")),
    # The same for people: users of the account, and members of the vaults of its teams
    # that are not deleted. Changed only while the row is locked.
    Column("member_limit", Integer),
    Column("member_count", Integer, nullable=False, server_default=text("1")),
    # Bytes of all rows in its vaults, by `sync.cost`. The limit is in the settings.
    Column("stored_bytes", BigInteger, nullable=False, server_default=text("0")),
    created(),
    moment("deleted_at"),
    # What the operator gives: from that and from the subscriptions the plan follows.
    *choice("granted_plan", "pro", "enterprise"),
    moment("granted_until"),
    *choice(
        "plan_why",
        *("none", "gift", "subscription"),
        nullable=False,
        server_default=text("'none'"),
    ),
    moment("plan_until"),
    Column("plan_notice", Text),
    moment("plan_notice_at"),
    # Since when the operator refuses it the server's model.
    moment("ai_blocked_at"),
    Index(
        "accounts_plan_until_index",
        "plan_until",
        postgresql_where=text("plan_until IS NOT NULL"),
    ),
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
    # From this time on the user may make no shares: the operator has decided so.
    moment("shares_blocked_at"),
    # Raised with each change of the user's vaults other than of their prompts.
    Column("roster_version", BigInteger, nullable=False, server_default=text("0")),
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

# Devices and access tokens.

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

# Device codes, sessions, one-time links, known networks, sign-ups.

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
    # Whether the device asks for the right to manage teams, and whether it was given.
    Column("wants_manage", Boolean, nullable=False, server_default=text("false")),
    Column("may_manage", Boolean, nullable=False, server_default=text("false")),
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
    # When the user last proved who they are, for what is dangerous.
    moment("confirmed_at"),
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

# Rate limits, settings of the server, and the ids of handled events.

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
    # What it is about; handled once that was read.
    Column("object_id", Text),
    moment("handled_at"),
    UniqueConstraint("source", "external_id"),
    Index(
        "external_events_object_id_index",
        "object_id",
        postgresql_where=text("handled_at IS NULL"),
    ),
)

# Work that requests leave behind. The payload holds ids only.
JOBS = Table(
    "jobs",
    METADATA,
    identity(),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False, server_default=text("'{}'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column(
        "run_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now()
    ),
    created(),
    Column("error", Text),
    # A dead job has failed too often. It is kept for a month.
    moment("dead_at"),
    Index("jobs_run_at_index", "run_at", postgresql_where=text("dead_at IS NULL")),
    Index(
        "jobs_dead_at_index", "dead_at", postgresql_where=text("dead_at IS NOT NULL")
    ),
    Index(
        "jobs_reconcile_key",
        text("(payload->>'customer')"),
        unique=True,
        postgresql_where=text("kind = 'reconcile' AND attempts = 0"),
    ),
)

# The period in which a periodic job was added last.
JOB_SLOTS = Table(
    "job_slots",
    METADATA,
    Column("kind", Text, primary_key=True),
    moment("slot", nullable=False),
)
