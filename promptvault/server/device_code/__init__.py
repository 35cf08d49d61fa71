"""Devices that ask to be let in, and codes by which people let them."""
