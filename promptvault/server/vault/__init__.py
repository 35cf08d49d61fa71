"""The vaults of a user, and what a device must know about each."""
