"""`suggest`: what to do next."""
