"""Cline's tasks."""
