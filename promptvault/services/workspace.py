"""What every use case needs: paths, clock and author."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.prompt import Author
from promptvault.paths import Paths


@dataclass(frozen=True, slots=True)
class Workspace:
    """The vault that a command works on, and its surroundings."""

    paths: Paths
    now: Callable[[], datetime]
    """Returns the current time, with time zone."""
    author: Callable[[], Author]
    """Returns the author of changes; called only by writers."""
    on_wait: Callable[[], None]
    """Called if another process holds the lock for some seconds."""
    on_change: Callable[[Paths], None] = lambda _: None
    """Called after a change that sync should send, with the paths of its vault."""
