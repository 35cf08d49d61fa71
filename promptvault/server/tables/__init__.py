"""The tables of the server. Migrations create them; a test compares the two."""

from promptvault.server.tables import account, ai, billing, vault
from promptvault.server.tables.column import METADATA

__all__ = ["METADATA", "account", "ai", "billing", "vault"]
