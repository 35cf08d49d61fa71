"""What chats have in common: message trees, turns, long chats."""
