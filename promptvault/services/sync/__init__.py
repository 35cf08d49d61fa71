"""`sync`, `login` and `conflicts`: the rounds with a server."""
