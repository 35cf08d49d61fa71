"""The operator's commands: the door to the server."""
