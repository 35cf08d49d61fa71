"""People who want an account, or another password for theirs."""
