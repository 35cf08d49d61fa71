"""The vaults of this device: the personal one, and those of teams."""
