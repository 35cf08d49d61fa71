"""Teams, vaults, their content, and shares."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB, UUID

from promptvault.server.tables.column import (
    METADATA,
    choice,
    created,
    identity,
    moment,
    reference,
)

# Teams, each with one vault. An account that has teams cannot be deleted.

TEAMS = Table(
    "teams",
    METADATA,
    identity(),
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
    *choice("on_leave", "keep", "wipe", nullable=False, server_default=text("'keep'")),
    # The lowest role that may share prompts.
    *choice(
        *("shares_by", "editor", "admin", "nobody"),
        nullable=False,
        server_default=text("'editor'"),
    ),
    created(),
    # A deleted team has no members, so that its vault is gone for them. They are kept
    # here until it is restored or erased.
    moment("deleted_at"),
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
    identity(),
    reference("account_id", "accounts", nullable=False, index=True),
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
    created(),
    # Null for a personal vault.
    reference("team_id", "teams", unique=True),
    # Since when, and why, members below admin, or all, may not write.
    moment("frozen_at"),
    *choice("frozen_why", "plan", "deleted", "owner_gone"),
)

VAULT_MEMBERS = Table(
    "vault_members",
    METADATA,
    reference("vault_id", "vaults", primary_key=True),
    reference("user_id", "users", primary_key=True, index=True),
    *choice("role", "owner", "admin", "editor", "viewer", nullable=False),
    created(),
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
    identity(),
    reference("vault_id", "vaults", nullable=False, index=True),
    Column("email", Text),
    *choice("role", "admin", "editor", "viewer", nullable=False),
    Column("hash", CHAR(64), nullable=False, unique=True),
    Column("max_uses", Integer, nullable=False),
    Column("uses", Integer, nullable=False, server_default=text("0")),
    Column("invited_by", UUID, nullable=False),
    created(),
    moment("expires_at", nullable=False),
    moment("revoked_at"),
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
    reference("vault_id", "vaults", primary_key=True),
    Column("label", Text, primary_key=True),
    Column("created_by", UUID, nullable=False),
    created(),
)

# Who has changed what, other than prompts. It outlives the people in it.
ACTIVITIES = Table(
    "activities",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    reference("account_id", "accounts", nullable=False),
    reference("vault_id", "vaults"),
    Column("actor", UUID),
    Column("actor_email", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=text("''")),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Column("network", INET),
    created(index=True),
)
Index("activities_vault_id_id_index", ACTIVITIES.c.vault_id, ACTIVITIES.c.id.desc())
Index("activities_account_id_id_index", ACTIVITIES.c.account_id, ACTIVITIES.c.id.desc())

# The content of vaults: heads, sides, versions, and all accepted revisions.

ITEMS = Table(
    "items",
    METADATA,
    reference("vault_id", "vaults", primary_key=True),
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
    reference("vault_id", "vaults", primary_key=True),
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
    created(),
)

SIDES = Table(
    "sides",
    METADATA,
    reference("vault_id", "vaults", primary_key=True),
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
    reference("vault_id", "vaults", primary_key=True),
    Column("device", UUID, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    moment("seen_at", nullable=False),
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
    reference("vault_id", "vaults", primary_key=True),
    Column("mark", UUID, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

VERSIONS = Table(
    "versions",
    METADATA,
    reference("vault_id", "vaults", primary_key=True),
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
    identity(),
    reference("vault_id", "vaults", nullable=False),
    Column("item_id", UUID, nullable=False),
    Column("mode", Text, nullable=False),
    Column("version_id", UUID),
    Column("label", Text),
    Column("token", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    moment("expires_at"),
    Column("max_views", Integer),
    Column("views", BigInteger, nullable=False, server_default=text("0")),
    Column("allow_secrets", Boolean, nullable=False),
    Column("show_author", Boolean, nullable=False),
    # No foreign keys, because a share in a team outlives its author's account.
    Column("created_by", UUID, nullable=False, index=True),
    created(),
    moment("last_view_at"),
    # Since when the version to show holds a likely secret; the owner has a mail.
    moment("paused_at"),
    moment("revoked_at"),
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
