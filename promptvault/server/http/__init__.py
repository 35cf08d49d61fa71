"""What every request passes through: addresses, bodies, headers, the log."""
