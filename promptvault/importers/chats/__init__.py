"""Exports of chat apps: ChatGPT and Claude."""
