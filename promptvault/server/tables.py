"""The tables of the server. Migrations create them; a test compares the two."""

from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB, TIMESTAMP, UUID

METADATA = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _identity() -> Column[object]:
    """Return the column ``id``, random so that it reveals no number of rows."""
    return Column(
        "id", UUID, primary_key=True, server_default=text("gen_random_uuid()")
    )


def _reference(name: str, target: str, **options: Any) -> Column[object]:
    """Return a foreign key to *target*; its row is deleted with the one it names."""
    return Column(name, UUID, ForeignKey(f"{target}.id", ondelete="CASCADE"), **options)


def _choice(name: str, *values: str, **options: Any) -> tuple[Any, Any]:
    """Return a column for one of *values*, and its constraint."""
    condition = f"{name} IN ({', '.join(map(repr, values))})"
    return Column(name, Text, **options), CheckConstraint(condition, name=name)


def _moment(name: str, *, nullable: bool = True, index: bool = False) -> Column[object]:
    """Return a column for a time."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, index=index)


def _created(*, index: bool = False) -> Column[object]:
    """Return the column ``created_at``, by the database's clock."""
    return Column(
        "created_at",
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=func.now(),
        index=index,
    )


# Accounts with their plans and limits, their users, and identities at providers.

ACCOUNTS = Table(
    "accounts",
    METADATA,
    _identity(),
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
    _created(),
    _moment("deleted_at"),
)

USERS = Table(
    "users",
    METADATA,
    _identity(),
    _reference("account_id", "accounts", nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text),
    _moment("email_verified_at"),
    Column("role", Text, nullable=False),
    _created(),
    # From this time on the address is free. The data are erased at `erase_at`.
    _moment("deleted_at"),
    _moment("erase_at"),
    # From this time on the user may make no shares: the operator has decided so.
    _moment("shares_blocked_at"),
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
    _reference("user_id", "users", index=True),
    # On the provider's clock, in milliseconds. Older events are ignored.
    Column("changed_at", BigInteger, nullable=False, server_default=text("0")),
    _moment("deleted_at"),
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
    _identity(),
    _reference("user_id", "users", nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("os", Text, nullable=False),
    _created(),
    _moment("last_seen_at"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    _identity(),
    _reference("user_id", "users", nullable=False, index=True),
    _reference("device_id", "devices", index=True),
    Column("name", Text, nullable=False),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _created(),
    _moment("expires_at", nullable=False),
    _moment("last_used_at"),
    _moment("revoked_at"),
)
Index("tokens_ended_index", func.least(TOKENS.c.expires_at, TOKENS.c.revoked_at))

# Device codes, sessions, one-time links, known networks, sign-ups.

DEVICE_CODES = Table(
    "device_codes",
    METADATA,
    _identity(),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("user_code", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    _reference("user_id", "users", index=True),
    Column("device_label", Text, nullable=False),
    Column("device_os", Text, nullable=False),
    Column("ip", Text, nullable=False),
    _created(),
    _moment("expires_at", nullable=False, index=True),
    Column("interval_seconds", Integer, nullable=False),
    _moment("last_polled_at"),
    # Whether the device asks for the right to manage teams, and whether it was given.
    Column("wants_manage", Boolean, nullable=False, server_default=text("false")),
    Column("may_manage", Boolean, nullable=False, server_default=text("false")),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    _identity(),
    _reference("user_id", "users", nullable=False, index=True),
    Column("hash", CHAR(64), nullable=False, unique=True),
    # Only shown on the account page.
    Column("browser", Text, nullable=False, server_default=text("''")),
    Column("ip", Text, nullable=False, server_default=text("''")),
    _created(),
    _moment("expires_at", nullable=False, index=True),
    # When the user last proved who they are, for what is dangerous.
    _moment("confirmed_at"),
)

# One-time links: to set a password, or to undo a deletion.
ACCOUNT_LINKS = Table(
    "account_links",
    METADATA,
    _identity(),
    _reference("user_id", "users", nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("is_mailed", Boolean, nullable=False),
    Column("hash", CHAR(64), nullable=False, unique=True),
    _created(),
    _moment("expires_at", nullable=False, index=True),
)

# Networks from which a user has signed in, as HMACs. Guesses from other networks do not
# keep the user out of these.
KNOWN_NETWORKS = Table(
    "known_networks",
    METADATA,
    _reference("user_id", "users", primary_key=True),
    Column("hash", CHAR(64), primary_key=True),
    _moment("used_at", nullable=False, index=True),
)

SIGN_UPS = Table(
    "sign_ups",
    METADATA,
    _identity(),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    _created(),
    _moment("expires_at", nullable=False, index=True),
)

PROVIDER_SIGN_INS = Table(
    "provider_sign_ins",
    METADATA,
    _identity(),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("browser_hash", CHAR(64), nullable=False),
    Column("user_code", Text, nullable=False),
    _created(),
    _moment("expires_at", nullable=False, index=True),
)

# Rate limits, settings of the server, and the ids of handled events.

# Unlogged, so that writes are cheap. A crash empties it, which only resets the limits.
RATE_LIMITS = Table(
    "rate_limits",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("tokens", Double, nullable=False),
    _moment("updated_at", nullable=False),
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
    _identity(),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _created(index=True),
    UniqueConstraint("source", "external_id"),
)

# Work that requests leave behind. The payload holds ids only.
JOBS = Table(
    "jobs",
    METADATA,
    _identity(),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False, server_default=text("'{}'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column(
        "run_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now()
    ),
    _created(),
    Column("error", Text),
    # A dead job has failed too often. It is kept for a month.
    _moment("dead_at"),
    Index("jobs_run_at_index", "run_at", postgresql_where=text("dead_at IS NULL")),
    Index(
        "jobs_dead_at_index", "dead_at", postgresql_where=text("dead_at IS NOT NULL")
    ),
)

# The period in which a periodic job was added last.
JOB_SLOTS = Table(
    "job_slots",
    METADATA,
    Column("kind", Text, primary_key=True),
    _moment("slot", nullable=False),
)

# Teams, each with one vault. An account that has teams cannot be deleted.

TEAMS = Table(
    "teams",
    METADATA,
    _identity(),
    # Pays for the team: that of its owner.
    Column(
        "account_id",
        UUID,
        ForeignKey("accounts.id", ondelete="RESTRICT"),
        nullable=False,
        index=True,
    ),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False, unique=True),
    # What devices of former members do with their copies.
    *_choice("on_leave", "keep", "wipe", nullable=False, server_default=text("'keep'")),
    # The lowest role that may share prompts.
    *_choice(
        *("shares_by", "editor", "admin", "nobody"),
        nullable=False,
        server_default=text("'editor'"),
    ),
    _created(),
    # A deleted team has no members, so that its vault is gone for them. They are kept
    # here until it is restored or erased.
    _moment("deleted_at"),
    Column("deleted_members", JSONB),
)
Index(
    "teams_deleted_at_index",
    TEAMS.c.deleted_at,
    postgresql_where=TEAMS.c.deleted_at.is_not(None),
)

# Vaults, each with its own sequence numbers, and their members.

VAULTS = Table(
    "vaults",
    METADATA,
    _identity(),
    _reference("account_id", "accounts", nullable=False, index=True),
    Column("name", Text, nullable=False),
    # Changes when the data went back in time, which makes older cursors invalid.
    Column("epoch", UUID, nullable=False, server_default=text("gen_random_uuid()")),
    Column("head_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("gc_horizon", BigInteger, nullable=False, server_default=text("0")),
    Column(
        "digest",
        LargeBinary,
        nullable=False,
        server_default=text(r"decode(repeat('00', 32), 'hex')"),
    ),
    # Changes with each push; see the table `marks`.
    Column("mark", UUID, nullable=False, server_default=text("gen_random_uuid()")),
    _created(),
    # Null for a personal vault.
    _reference("team_id", "teams", unique=True),
    # Since when, and why, members below admin, or all, may not write.
    _moment("frozen_at"),
    *_choice("frozen_why", "plan", "deleted", "owner_gone"),
)

VAULT_MEMBERS = Table(
    "vault_members",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    _reference("user_id", "users", primary_key=True, index=True),
    *_choice("role", "owner", "admin", "editor", "viewer", nullable=False),
    _created(),
    Column("invited_by", UUID),
    Index(
        *("vault_members_owner_key", "vault_id"),
        unique=True,
        postgresql_where=text("role = 'owner'"),
    ),
)

# To one address, or by a link for several people. Only a hash of its token is stored.
INVITATIONS = Table(
    "invitations",
    METADATA,
    _identity(),
    _reference("vault_id", "vaults", nullable=False, index=True),
    Column("email", Text),
    *_choice("role", "admin", "editor", "viewer", nullable=False),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("max_uses", Integer, nullable=False),
    Column("uses", Integer, nullable=False, server_default=text("0")),
    Column("invited_by", UUID, nullable=False),
    _created(),
    _moment("expires_at", nullable=False),
    _moment("revoked_at"),
)
Index(
    *("invitations_email_key", INVITATIONS.c.vault_id, func.lower(INVITATIONS.c.email)),
    unique=True,
    postgresql_where=text("email IS NOT NULL AND revoked_at IS NULL AND uses = 0"),
)
Index(
    "invitations_ended_index",
    func.least(INVITATIONS.c.expires_at, INVITATIONS.c.revoked_at),
)

# Labels that only admins may move.
LABEL_RULES = Table(
    "label_rules",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("label", Text, primary_key=True),
    Column("created_by", UUID, nullable=False),
    _created(),
)

# Who has changed what, other than prompts. It outlives the people in it.
ACTIVITIES = Table(
    "activities",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _reference("account_id", "accounts", nullable=False),
    _reference("vault_id", "vaults"),
    Column("actor", UUID),
    Column("actor_email", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=text("''")),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Column("network", INET),
    _created(index=True),
)
Index("activities_vault_id_id_index", ACTIVITIES.c.vault_id, ACTIVITIES.c.id.desc())
Index("activities_account_id_id_index", ACTIVITIES.c.account_id, ACTIVITIES.c.id.desc())

# The content of vaults: heads, sides, versions, and all accepted revisions.

ITEMS = Table(
    "items",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("item_id", UUID, primary_key=True),
    Column("head_rev", UUID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    # The number at which it was added or came back from the trash. A device that has
    # not read so far may know no version of it.
    Column("live_since", BigInteger, nullable=False, server_default=text("0")),
    Column("payload", LargeBinary),
    UniqueConstraint("vault_id", "seq"),
    Index("items_deleted_index", "vault_id", "seq", postgresql_where=text("deleted")),
)

REVISIONS = Table(
    "revisions",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("rev", UUID, primary_key=True),
    Column("item_id", UUID, nullable=False),
    # The head that it replaced; for a side, the head that the device had changed.
    Column("base_rev", UUID),
    Column("kind", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    # No foreign keys, because a revision outlives its user and device.
    Column("author_user", UUID, nullable=False),
    Column("device", UUID, nullable=False),
    _created(),
)

SIDES = Table(
    "sides",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("rev", UUID, primary_key=True),
    Column("item_id", UUID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("resolved", Boolean, nullable=False),
    Column("payload", LargeBinary),
    UniqueConstraint("vault_id", "seq"),
    Index("sides_resolved_index", "vault_id", "seq", postgresql_where=text("resolved")),
)

# Deletions that every device has read may be purged. `device` is the id that the
# program chose, which stays the same after another sign-in, so it is no foreign key.
DEVICE_CURSORS = Table(
    "device_cursors",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("device", UUID, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    _moment("seen_at", nullable=False),
    # Of the signed-in device, else the name of the token.
    Column("label", Text),
    # The last user who synced the vault with the device, who may have left it since.
    Column("user_id", UUID),
)

# A random id for each write. A device keeps the one of its last answer. If the vault
# does not have it any more, its data went back in time.
MARKS = Table(
    "marks",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("mark", UUID, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

VERSIONS = Table(
    "versions",
    METADATA,
    _reference("vault_id", "vaults", primary_key=True),
    Column("version_id", UUID, primary_key=True),
    Column("item_id", UUID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    # 1, 2, 3 ... within its prompt. A purge deletes all versions of a prompt or none.
    Column("number", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("vault_id", "item_id", "seq", "position"),
)

# Links to prompts. Such a link needs no account, so its token is stored as it is: the
# owner must see it again, and who reads the database reads the prompts anyway.

SHARES = Table(
    "shares",
    METADATA,
    _identity(),
    _reference("vault_id", "vaults", nullable=False),
    Column("item_id", UUID, nullable=False),
    Column("mode", Text, nullable=False),
    Column("version_id", UUID),
    Column("label", Text),
    Column("token", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    _moment("expires_at"),
    Column("max_views", Integer),
    Column("views", BigInteger, nullable=False, server_default=text("0")),
    Column("allow_secrets", Boolean, nullable=False),
    Column("show_author", Boolean, nullable=False),
    # No foreign keys, because a share in a team outlives its author's account.
    Column("created_by", UUID, nullable=False, index=True),
    _created(),
    _moment("last_view_at"),
    # Since when the version to show holds a likely secret; the owner has a mail.
    _moment("paused_at"),
    _moment("revoked_at"),
    Column("revoked_by", UUID),
    ForeignKeyConstraint(
        ["vault_id", "item_id"], ["items.vault_id", "items.item_id"], ondelete="CASCADE"
    ),
    Index("shares_vault_id_item_id_index", "vault_id", "item_id"),
    Index(
        "shares_used_up_index",
        "last_view_at",
        postgresql_where=text("views >= max_views"),
    ),
)
Index("shares_ended_index", func.least(SHARES.c.expires_at, SHARES.c.revoked_at))

# The kinds of likely secrets in the versions that shares show, by a set of rules. A
# version never changes, so each is looked at once.
SHARE_SCANS = Table(
    "share_scans",
    METADATA,
    Column("vault_id", UUID, primary_key=True),
    Column("version_id", UUID, primary_key=True),
    Column("rules", Integer, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    ForeignKeyConstraint(
        ["vault_id", "version_id"],
        ["versions.vault_id", "versions.version_id"],
        ondelete="CASCADE",
    ),
)
