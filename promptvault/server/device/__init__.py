"""Devices that are signed in."""
