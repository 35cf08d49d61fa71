"""Generic formats: CSV, JSON data sets, Markdown and plain text."""
