"""Purging: deletions that every device has read, and what has expired."""
