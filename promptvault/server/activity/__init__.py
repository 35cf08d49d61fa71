"""The log of what was changed in teams and accounts, other than prompts."""
