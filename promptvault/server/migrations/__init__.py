"""The steps that build the database; ``migration.py`` beside this folder runs them."""
