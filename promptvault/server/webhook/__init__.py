"""What other services tell of by themselves, signed."""
