"""Whole-program tests of what must not go wrong when everything around it does."""
