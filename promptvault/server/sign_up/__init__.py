"""Sign-ups, which make an account or set the password of an account."""
