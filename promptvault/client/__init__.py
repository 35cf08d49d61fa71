"""Talking to a PromptVault server."""
