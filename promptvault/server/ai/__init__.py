"""Hosted AI: the server's own model, for accounts with a plan, within caps of money."""
