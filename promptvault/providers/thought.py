"""Thoughts of a model that stand at the beginning of its answer, in marks."""

from typing import NamedTuple


class Thought(NamedTuple):
    """A piece of what a model thinks before it answers; no part of the answer."""

    text: str


Piece = str | Thought
"""A piece of an answer, or of the thoughts before it."""

_MARKS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel|>analysis<|message|>": "<|end|>",
    "<|channel|>commentary<|message|>": "<|end|>",
}
"""The opening marks of thoughts in the chat formats of models, and the closing ones."""
_ROLE = "<|start|>assistant"
"""In the format *harmony*, it may stand before each channel."""
_ANSWER_MARKS = ("<|channel|>final<|message|>", "<|START_RESPONSE|>")
_LAST_MARKS = ("<|return|>", "<|end|>", "<|END_RESPONSE|>")


class ThoughtFilter:
    """Tells thoughts and the answer apart, piece by piece."""

    def __init__(self) -> None:
        self._held = ""
        """Text that may be a part of a mark."""
        self._opening = ""
        """The mark of the thought that is being read, '' in no thought."""
        self._unclosed: list[str] = []
        """That thought."""
        self._is_answer = False
        self._is_marked = False
        """Whether a mark has come, so that another may end the answer."""

    def feed(self, text: str) -> list[Piece]:
        """Return the pieces that are complete with *text*."""
        self._held += text
        pieces: list[Piece] = []
        while (piece := self._next()) is not None:
            if piece:
                pieces.append(Thought(piece) if self._opening else piece)
                self._note(piece)
        return pieces

    def end(self, *, is_cut: bool) -> list[Piece]:
        """Return the rest. Only what was cut may end in a thought.

        A text that begins with an opening mark and has no closing one is about the
        mark: it is the answer.
        """
        rest, self._held = self._held, ""
        if not self._opening:
            is_gap = self._is_marked and not rest.strip()
            return [rest] if rest and not is_gap else []
        if is_cut:
            return [Thought(rest)] if rest else []
        return ["".join([self._opening, *self._unclosed, rest])]

    def _note(self, piece: str) -> None:
        if self._opening:
            self._unclosed.append(piece)

    def _next(self) -> str | None:
        """Take the next piece; '' for a mark alone, None if more text is needed."""
        if self._is_answer:
            return self._rest_of_answer()
        return self._rest_of_thought() if self._opening else self._begin()

    def _begin(self) -> str | None:
        """Read what follows: a thought, the answer, or not enough to know."""
        head = self._held.lstrip()
        bare = head.removeprefix(_ROLE)
        for opening in _MARKS:
            if bare.startswith(opening):
                self._held = bare.removeprefix(opening)
                self._opening, self._unclosed, self._is_marked = opening, [], True
                return ""
        for mark in _ANSWER_MARKS:
            if bare.startswith(mark):
                self._held, self._is_answer = bare.removeprefix(mark), True
                self._is_marked = True
                return ""
        if any(m.startswith(bare) for m in (*_MARKS, *_ANSWER_MARKS)):
            return None
        if head and _ROLE.startswith(head):
            return None
        self._is_answer = True
        # White space between a thought and the answer belongs to neither.
        self._held = head if self._is_marked else self._held
        return ""

    def _rest_of_thought(self) -> str | None:
        closing = _MARKS[self._opening]
        before, mark, after = self._held.partition(closing)
        if not mark:
            return self._take(len(self._held) - _overlap(self._held, (closing,)))
        if before:
            self._held = mark + after
            return before
        self._held, self._opening = after, ""
        return ""

    def _rest_of_answer(self) -> str | None:
        if not self._is_marked:
            return self._take(len(self._held))
        for mark in _LAST_MARKS:
            self._held = self._held.removesuffix(mark)
        return self._take(len(self._held) - _overlap(self._held, _LAST_MARKS))

    def _take(self, count: int) -> str | None:
        piece, self._held = self._held[:count], self._held[count:]
        return piece or None


def _overlap(text: str, marks: tuple[str, ...]) -> int:
    """Return the length of the longest end of *text* with which a mark begins."""
    longest = max(map(len, marks)) - 1
    for size in range(min(longest, len(text)), 0, -1):
        if any(mark.startswith(text[-size:]) for mark in marks):
            return size
    return 0
