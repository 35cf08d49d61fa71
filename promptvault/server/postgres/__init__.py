"""The server's PostgreSQL: chosen, started, migrated."""
