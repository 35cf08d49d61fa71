"""Chats with the assistants of editors."""
