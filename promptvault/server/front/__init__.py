"""What stands before the application: connections, descriptors, turns."""
