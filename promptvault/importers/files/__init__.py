"""Files of prompts that no tool defines: CSV, JSON data sets, Markdown."""
