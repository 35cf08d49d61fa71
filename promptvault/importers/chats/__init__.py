"""Exports and files of chat apps, from ChatGPT to LM Studio."""
