"""What a vault holds: heads, sides, versions, and every revision ever accepted."""

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
    # When it was made or came back: who had not read so far may know no version of it.
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
    # The head that it replaced; of a side, what the device had begun with.
    Column("base_rev", UUID),
    Column("kind", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    # Neither is a reference: a revision outlives who made it.
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

# What every device has read may be purged; `device` is no reference, being what the
# program calls itself, which stays the same when it signs in anew.
DEVICE_CURSORS = Table(
    "device_cursors",
    METADATA,
    reference("vault_id", "vaults", primary_key=True),
    Column("device", UUID, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    moment("seen_at", nullable=False),
    # What its user calls it, or its token.
    Column("label", Text),
)

# A random id for each write. A device keeps the one of its last answer: if the vault
# does not have it any more, the data went back in time.
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
    # 1, 2, 3 ... of its prompt, in that order: a purge takes all of a prompt or none.
    Column("number", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("vault_id", "item_id", "seq", "position"),
)
