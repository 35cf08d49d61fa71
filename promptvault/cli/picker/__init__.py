"""The fuzzy picker: its screen, its keys, its checklist."""
