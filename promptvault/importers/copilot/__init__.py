"""GitHub Copilot: the chat of VS Code and its forks, and the command line."""
