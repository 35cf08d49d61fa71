"""Rate limits, shared by all instances of the server, and limits within one worker."""
