"""The hosted half: a stateless FastAPI service on PostgreSQL."""
