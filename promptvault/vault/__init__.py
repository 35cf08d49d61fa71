"""The vault: prompts and their versions in SQLite."""
