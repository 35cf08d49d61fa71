"""Claude Code: session files, and the history of typed prompts."""
