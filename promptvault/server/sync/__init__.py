"""Sync: devices push changes to vaults, and read those of others."""
