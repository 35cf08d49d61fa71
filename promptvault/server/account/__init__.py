"""Accounts and their users: creation, passwords, export, deletion."""
