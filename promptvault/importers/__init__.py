"""Readers of other programs' exports: a path in, candidate prompts out."""
