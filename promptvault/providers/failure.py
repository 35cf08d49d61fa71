"""Failures of a server that may pass: each says what is worth trying next."""

from promptvault.errors import RateLimitedError, UnavailableError


class BusyError(RateLimitedError):
    """The server asks for fewer requests."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        """Seconds that the server asks to wait, None if it does not say."""


class DownError(UnavailableError):
    """The server cannot be reached, or fails."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class EmptyAnswerError(DownError):
    """The model answered with no text at all."""


class SilentError(UnavailableError):
    """The server took a request and did not answer in time."""
