"""`eval`: cases, checks, the judge."""
