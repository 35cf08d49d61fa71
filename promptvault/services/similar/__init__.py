"""Prompts with nearly the same text."""
