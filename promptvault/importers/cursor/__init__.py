"""Cursor's databases and exports."""
