"""Jobs: work that a request leaves behind, such as a mail, and periodic work."""
