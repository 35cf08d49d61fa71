"""What is forgotten in time: deletions that every device knows of, and what expired."""
