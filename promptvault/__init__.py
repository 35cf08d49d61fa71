"""PromptVault: prompts in a local SQLite vault, their history in git."""

__version__ = "0.1.0"
