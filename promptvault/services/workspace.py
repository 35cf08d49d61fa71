"""What every use case is given: the folders, the settings and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.prompt import Author
from promptvault.paths import Paths


@dataclass(frozen=True, slots=True)
class Workspace:
    """The vault that a command works on, and who works on it."""

    paths: Paths
    now: Callable[[], datetime]
    """Returns the present as an aware time."""
    author: Callable[[], Author]
    """Returns who makes the changes; asked only by what changes something."""
    on_wait: Callable[[], None]
    """Called when another process has held the vault for seconds."""
    on_change: Callable[[], None] = lambda: None
    """Called after a change of a vault that is synced."""
