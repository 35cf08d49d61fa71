"""Why nobody is signed in: the operator reads it in the log, a visitor does not."""

import structlog

from promptvault.errors import AuthenticationError, UnavailableError

_log = structlog.get_logger("promptvault.server")


def refusal(reason: str) -> AuthenticationError:
    """Return the error for whom the provider does not sign in, or not credibly."""
    _log.warning("oidc", reason=reason)
    return AuthenticationError("This sign-in cannot be trusted: start over.")


def silence(reason: str) -> UnavailableError:
    """Return the error for a provider that does not do its part."""
    _log.warning("oidc", reason=reason)
    return UnavailableError(
        "The sign-in provider does not answer as it should: try again in a while."
    )
