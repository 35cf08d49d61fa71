"""What chats of several sources share: message trees, message lists, long chats."""
