"""Asking a model: cache, budget, retries, fallback, structured answers."""
