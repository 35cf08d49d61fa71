"""Where each tool stores its prompts on each system; nothing is read from disk."""
