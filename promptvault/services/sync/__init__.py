"""`sync`, `login` and `conflicts`: keeping a vault equal to one on a server."""
