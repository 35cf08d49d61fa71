"""One-time links: to set a password, and to keep an account that was deleted."""
