"""What `--json` prints: one function for each kind of row."""
