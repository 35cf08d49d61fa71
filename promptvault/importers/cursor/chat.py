"""One chat of Cursor while it is read, from any of its files."""

from collections import Counter
from datetime import datetime

from promptvault.importers.cursor.envelope import SentMessage
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Conversation,
    Draft,
    linear_candidates,
    without_person,
)


class CursorChat:
    """The prompts found so far in one chat; the first one is its opening."""

    def __init__(
        self,
        key: str | None,
        title: str | None,
        started: datetime | None = None,
        model: str | None = None,
    ) -> None:
        self.skipped: Counter[str] = Counter()
        """Human texts left out, by reason."""
        self._key = key
        self._title = title
        self._started = started
        self._model = model
        self._drafts: list[Draft] = []
        self._untyped = 0

    def add(
        self,
        sent: SentMessage | None,
        key: str | None = None,
        made: datetime | None = None,
        model: str | None = None,
    ) -> None:
        """Add the next message; None is one that no person sent."""
        if not sent:
            self._untyped += 1
        elif sent.is_command:
            self.skipped["slash command"] += 1
        elif not sent.body:
            self.skipped[NO_TEXT] += 1
        else:
            made = made or sent.sent_at
            if not made and not self._drafts:
                made = self._started
            self._drafts.append(Draft(sent.body, made, key, model or self._model))

    def conversation(self) -> Conversation:
        """Return everything that was added."""
        candidates = linear_candidates(self._drafts, self._key, self._title)
        found = Conversation(candidates, dict(+self.skipped))
        return without_person(found, self._untyped)
