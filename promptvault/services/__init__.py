"""Use cases: plain functions over the vault and the history."""
