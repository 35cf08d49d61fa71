"""Deliberate bugs in sync, as patches of the program: tests must find each."""
