"""The PostgreSQL of the server: chosen, started, migrated."""
