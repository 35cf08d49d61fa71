"""Prompts: saving, reading, rendering, comparing, exporting, redacting."""
