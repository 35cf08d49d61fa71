"""Bulk insert, deduplication and undo of imports."""
