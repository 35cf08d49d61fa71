"""Failures of a server: each says what is worth trying, and what it may have cost."""

from promptvault.domain.chat import Usage
from promptvault.errors import InvalidInputError, RateLimitedError, UnavailableError


class ServerBusyError(RateLimitedError):
    """The server asks for fewer requests."""

    def __init__(self, what: str, advice: str = "", wait: float | None = None) -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        """What happened, without what to do about it."""
        self.wait = wait
        """Seconds that the server asks to wait, None if it does not say."""


class ServerDownError(UnavailableError):
    """The server cannot be reached, or fails."""

    def __init__(self, what: str, advice: str = "", wait: float | None = None) -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        self.wait = wait


class ConnectionLostError(ServerDownError):
    """The line was cut while the answer came: it may have to be paid for."""


class EmptyAnswerError(ServerDownError):
    """The model answered with no text at all."""

    def __init__(self, what: str, advice: str, usage: Usage | None) -> None:
        super().__init__(what, advice)
        self.usage = usage
        """What the server counted."""


class RefusedError(InvalidInputError):
    """The model answered, but not what it was asked for; asking again is in vain."""

    def __init__(self, message: str, usage: Usage | None) -> None:
        super().__init__(message)
        self.usage = usage


class ResponseTimeoutError(UnavailableError):
    """The server took a request and did not answer in time: it may have to be paid."""
