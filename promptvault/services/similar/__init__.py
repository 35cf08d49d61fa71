"""Prompts whose texts are nearly the same."""
