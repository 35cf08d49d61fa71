"""The content of vaults: heads, sides, versions, and all accepted revisions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from promptvault.server.tables.base import METADATA, created, moment, reference

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
