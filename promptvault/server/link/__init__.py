"""One-time links: to set a password, and to undo a deletion."""
