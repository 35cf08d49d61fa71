"""`activity.db`: runs, costs, scores, and the cache of answers."""
