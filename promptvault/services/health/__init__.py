"""`doctor` and `backup`: check, repair, rebuild and back up the vault."""
