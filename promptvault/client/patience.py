"""Which requests are sent again, how often, and after how long."""

from typing import NamedTuple

_TELLS_WHEN = {429, 503}
_PASSES = {502, 503, 504}
"""What is said before a server that starts again, or is busy."""


class Patience(NamedTuple):
    """How a request is held on to."""

    pauses: tuple[float, ...] = ()
    """Seconds before each further try, where the server names no others."""
    longest: float = 20.0
    """Seconds; whoever is to wait longer is told so, and can do something else."""
    may_repeat: bool = False
    """Whether it may happen twice, as it does when its answer was lost."""

    def pause(
        self, status: int, retry_after: float | None, backoff: float
    ) -> float | None:
        """Return the seconds to wait after an answer, None where it is the last word.

        *backoff* are the seconds to wait where the answer names none.
        """
        if status in _TELLS_WHEN and retry_after is not None:
            return retry_after if retry_after <= self.longest else None
        return backoff if self.may_repeat and status in _PASSES else None


ONCE = Patience()
AS_TOLD = Patience((0.5, 2.0))
READING = Patience((0.5, 2.0), may_repeat=True)
SYNC = Patience((0.5, 1.0, 2.0, 4.0), longest=60.0, may_repeat=True)
"""Long enough for a server to start again, and for a minute's rate to be free."""
