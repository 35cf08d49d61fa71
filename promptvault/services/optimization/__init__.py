"""`optimize`: scores, rewriting, and the guard of templates."""
