"""The sync server: a stateless FastAPI application on PostgreSQL."""
