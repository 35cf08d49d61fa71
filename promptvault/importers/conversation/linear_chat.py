"""A chat of any length between a person and an agent, yielded prompt by prompt."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NOT_TYPED,
    Candidate,
    Conversation,
    Draft,
    Skipped,
    conversation_candidates,
)


@dataclass
class LinearChat:
    """The prompts of one chat without branches; only the last one is in memory.

    The first prompt is yielded as a Conversation, later ones as Candidates with its id.
    """

    key: str = ""
    """Id of the conversation; '' to use the message id of the first prompt."""
    title: str = ""
    url: str | None = None
    """Address of the conversation."""
    skipped: Counter[str] = field(default_factory=Counter)
    not_typed: int = 0
    """Number of messages in the person's name that a program wrote. They are counted
    only if there is nothing else."""
    has_prompts: bool = field(default=False, init=False)
    """True once a prompt or a command was added."""
    _held: list[Draft] = field(default_factory=list, init=False)
    _has_begun: bool = field(default=False, init=False)
    _has_opening: bool = field(default=False, init=False)

    def add(self, draft: Draft) -> None:
        """Add the next prompt."""
        self.has_prompts = True
        self._held.append(draft)

    def set_model(self, model: str) -> None:
        """Set the model that answers the last prompt, unless it is set."""
        if self._held and not self._held[-1].model:
            self._held[-1] = self._held[-1]._replace(model=model)

    def take_complete(self) -> Iterator[Conversation | Candidate]:
        """Yield all prompts but the last, whose model may not be known yet."""
        if len(self._held) > 1:
            *complete, last = self._held
            self._held = [last]
            yield from map(self._item, complete)

    def finish(self) -> Iterator[Conversation | Candidate | Skipped]:
        """Yield the remaining prompts, and the counts of what was left out."""
        yield from map(self._item, self._held)
        self._held.clear()
        if not self._has_begun:
            nothing = (
                {NOT_TYPED: self.not_typed}
                if self.not_typed
                else {EMPTY_CONVERSATION: 1}
            )
            yield Conversation((), dict(self.skipped or nothing))
            return
        for reason, number in self.skipped.items():
            yield Skipped(reason, number)

    def _item(self, draft: Draft) -> Conversation | Candidate:
        self.key = self.key or draft.message_id or ""
        (candidate,) = conversation_candidates(
            [(draft,)], self.key or None, self.title or None, self.url
        )
        if self._has_opening:
            candidate = candidate._replace(opening=False)
        self._has_opening = self._has_opening or candidate.opening
        if self._has_begun:
            return candidate
        self._has_begun = True
        skipped = dict(self.skipped)
        self.skipped.clear()
        return Conversation((candidate,), skipped)
