"""Bulk insert, deduplication, undo and the search index of an import."""
