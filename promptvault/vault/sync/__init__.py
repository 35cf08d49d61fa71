"""The vault's half of sync: what is sent, and what becomes of what arrives."""
