"""Browsers that are signed in to the pages."""
