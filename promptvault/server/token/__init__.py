"""Access tokens: made, hashed, found and revoked."""
