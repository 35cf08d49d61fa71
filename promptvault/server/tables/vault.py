"""Vaults, each with its own sequence numbers, and their members."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from promptvault.server.tables.base import METADATA, created, identity, reference

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
)

VAULT_MEMBERS = Table(
    "vault_members",
    METADATA,
    reference("vault_id", "vaults", primary_key=True),
    reference("user_id", "users", primary_key=True, index=True),
    Column("role", Text, nullable=False),
)
