"""Prompts as immutable values, and pure functions; standard library only.

The values are named tuples: Python creates such a class in 0.05 ms and a frozen
dataclass in 0.45 ms, and `get` needs a dozen of them at every start.
"""
