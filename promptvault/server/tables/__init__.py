"""The server's tables. Migrations make them; queries are plain SQL beside their use."""

from promptvault.server.tables import access, account, guard, sign_in, sync, vault
from promptvault.server.tables.base import METADATA

__all__ = ["METADATA", "access", "account", "guard", "sign_in", "sync", "vault"]
