"""Events: who listens hears at once that a vault has moved."""
