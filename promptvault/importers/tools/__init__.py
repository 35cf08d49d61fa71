"""Prompt managers and libraries: one module for each tool."""
