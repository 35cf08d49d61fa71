"""The steps that build the database; `postgres/migration.py` runs them."""
