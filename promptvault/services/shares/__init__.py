"""Sharing single prompts by link, and using those that others share."""
