"""Codex: session files (rollouts) of every age, and the history of typed prompts."""
