"""Sign-in by a provider that the operator names, over OpenID Connect."""
