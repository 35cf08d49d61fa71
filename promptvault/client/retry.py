"""Which requests are sent again, how often, and after how many seconds."""

from typing import NamedTuple

_MAY_NAME_A_WAIT = {429, 503}
"""Statuses with which Retry-After is obeyed."""
_TEMPORARY = {502, 503, 504}
"""Statuses of a server that is busy or restarting, or of a proxy in front of it."""


class RetryPolicy(NamedTuple):
    """When a request is sent again."""

    pauses: tuple[float, ...] = ()
    """Seconds before each further attempt, if the server names no other wait."""
    longest: float = 20.0
    """Seconds; if the server asks for a longer wait, its error is raised."""
    is_idempotent: bool = False
    """Whether it may be executed twice, as happens if its answer is lost."""

    def pause(
        self, status: int, retry_after: float | None, backoff: float
    ) -> float | None:
        """Return the seconds to wait after an answer, None to send nothing again.

        *retry_after* and *backoff* are seconds too; *backoff* applies if the answer
        names none.
        """
        if status in _MAY_NAME_A_WAIT and retry_after is not None:
            return retry_after if retry_after <= self.longest else None
        return backoff if self.is_idempotent and status in _TEMPORARY else None


NO_RETRY = RetryPolicy()
RETRY_IF_ASKED = RetryPolicy((0.5, 2.0))
RETRY_READ = RetryPolicy((0.5, 2.0), is_idempotent=True)
RETRY_SYNC = RetryPolicy((0.5, 1.0, 2.0, 4.0), longest=60.0, is_idempotent=True)
"""Long enough for a server to restart, and for a limit per minute to pass."""
