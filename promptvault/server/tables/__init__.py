"""The tables of the server. Migrations create them; a test compares the two."""

from promptvault.server.tables import access, account, guard, sign_in, sync, vault
from promptvault.server.tables.base import METADATA

__all__ = ["METADATA", "access", "account", "guard", "sign_in", "sync", "vault"]
