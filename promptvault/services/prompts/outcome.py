"""The result of a change of a prompt."""

from dataclasses import dataclass
from enum import StrEnum

from promptvault.domain.prompt import Prompt


class Outcome(StrEnum):
    """What a change did."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    MOVED = "moved"
    DELETED = "deleted"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Saved:
    """A prompt after a change."""

    prompt: Prompt
    outcome: Outcome
