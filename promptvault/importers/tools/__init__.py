"""Prompt managers and prompt libraries, one module for each tool."""
