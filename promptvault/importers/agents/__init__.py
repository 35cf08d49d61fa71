"""Coding agents with one kind of file each."""
