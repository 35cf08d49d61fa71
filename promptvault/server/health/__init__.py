"""Whether the server lives, is ready, and what it counts: for machines that watch."""
