"""Sign-in by a provider of the operator's choice, over OpenID Connect."""
