"""Sync: what devices push and pull, vault by vault."""
