"""Client connections: limits, deadlines, file descriptors."""
