"""`import`: finding files, reading them into the vault, the log of imports."""
