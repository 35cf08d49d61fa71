"""Signed webhooks of other services."""
