"""Rate limits, which all instances of the server share."""
