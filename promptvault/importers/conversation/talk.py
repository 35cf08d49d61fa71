"""A talk of any length between a person and an agent, handed over prompt by prompt."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Skipped,
)


@dataclass
class Talk:
    """The prompts of one talk, of which hardly any are held at a time.

    The first one comes in a Conversation, the later ones as candidates that name it.
    """

    key: str = ""
    """Which conversation it is; without it, one named after its first prompt."""
    title: str = ""
    skipped: Counter[str] = field(default_factory=Counter)
    has_prompts: bool = field(default=False, init=False)
    """Whether any was said so far."""
    _held: list[Draft] = field(default_factory=list, init=False)
    _has_begun: bool = field(default=False, init=False)

    def say(self, draft: Draft) -> None:
        """Take the next prompt."""
        self.has_prompts = True
        self._held.append(draft)

    def answer(self, model: str) -> None:
        """Note that *model* answers the last prompt, where none has answered yet."""
        if self._held and not self._held[-1].model:
            self._held[-1] = self._held[-1]._replace(model=model)

    def ready(self) -> Iterator[Conversation | Candidate]:
        """Yield the prompts of which all is known: all that were said but the last."""
        if len(self._held) > 1:
            *complete, last = self._held
            self._held = [last]
            yield from map(self._item, complete)

    def end(self) -> Iterator[Conversation | Candidate | Skipped]:
        """Yield what has not been handed over yet, and what was left out."""
        yield from map(self._item, self._held)
        self._held.clear()
        if not self._has_begun:
            yield Conversation((), dict(self.skipped or {"empty conversation": 1}))
            return
        for reason, number in self.skipped.items():
            yield Skipped(reason, number)

    def _item(self, draft: Draft) -> Conversation | Candidate:
        opening = not self._has_begun
        self._has_begun = True
        self.key = self.key or draft.message_id or ""
        candidate = Candidate(
            (draft,),
            opening=opening,
            conversation_id=self.key or None,
            conversation_title=self.title or None,
        )
        if not opening:
            return candidate
        skipped = dict(self.skipped)
        self.skipped.clear()
        return Conversation((candidate,), skipped)
