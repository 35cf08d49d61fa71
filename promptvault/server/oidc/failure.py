"""Errors of a sign-in by the provider. The reason is in the log only."""

import structlog

from promptvault.errors import AuthenticationError, UnavailableError

_log = structlog.get_logger("promptvault.server")


def refusal(reason: str) -> AuthenticationError:
    """Log *reason*, and return the error for a sign-in that is refused or not valid."""
    _log.warning("oidc", reason=reason)
    return AuthenticationError("This sign-in cannot be trusted: start over.")


def provider_failure(reason: str) -> UnavailableError:
    """Log *reason*, and return the error for a provider that does not work."""
    _log.warning("oidc", reason=reason)
    return UnavailableError(
        "The sign-in provider does not answer as it should: try again in a while."
    )
