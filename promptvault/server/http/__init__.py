"""What each request passes through: addresses, bodies, headers, the log."""
