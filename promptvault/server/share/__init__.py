"""Shares: links by which anybody can read one prompt."""
