"""Failures of a model's server.

The class decides whether to retry, and whether the request may have been charged.
"""

from promptvault.domain.chat import Usage
from promptvault.errors import InvalidInputError, RateLimitedError, UnavailableError


class ServerBusyError(RateLimitedError):
    """The server is rate limiting; a retry may succeed. Nothing is charged."""

    def __init__(self, what: str, advice: str = "", wait: float | None = None) -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        """What happened, without advice."""
        self.wait = wait
        """Seconds that the server asks to wait, None if it does not."""


class ServerDownError(UnavailableError):
    """The server cannot be reached, or fails; a retry may succeed."""

    def __init__(self, what: str, advice: str = "", wait: float | None = None) -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        self.wait = wait


class ConnectionLostError(ServerDownError):
    """The connection was lost during the answer, which may be charged."""


class EmptyAnswerError(ServerDownError):
    """The model answered with an empty text."""

    def __init__(self, what: str, advice: str, usage: Usage | None) -> None:
        super().__init__(what, advice)
        self.usage = usage
        """The tokens that the server counted, None if it did not."""


class RefusedError(InvalidInputError):
    """The model refused to answer; a retry would not help."""

    def __init__(self, message: str, usage: Usage | None) -> None:
        super().__init__(message)
        self.usage = usage


class ResponseTimeoutError(UnavailableError):
    """The server did not answer in time; the request may be charged."""
