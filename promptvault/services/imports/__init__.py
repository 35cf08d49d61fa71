"""`import`: finding documents, importing them, and the log of imports."""
