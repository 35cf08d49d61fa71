"""Redis, if the operator has one: what may be lost, for the speed of requests."""
