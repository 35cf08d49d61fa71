"""The tables of the server. Migrations create them; a test compares the two."""

from promptvault.server.tables import account, vault
from promptvault.server.tables.column import METADATA

__all__ = ["METADATA", "account", "vault"]
