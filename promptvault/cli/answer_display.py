"""What a terminal shows while an answer is awaited: a count of tokens, thoughts."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from promptvault.cli import terminal

_EVERY = 0.2
"""Seconds between two counts."""


class AnswerDisplay:
    """Shows on stderr how many tokens have arrived, and what a model thinks."""

    def __init__(
        self, *, shows_tokens: bool = True, shows_thoughts: bool = False
    ) -> None:
        self._shows_tokens = shows_tokens and sys.stderr.isatty()
        self._shows_thoughts = shows_thoughts
        self._tokens = 0
        """Of all answers that are arriving."""
        self._answers = 0
        self._last = 0.0
        self._is_drawn = False
        self._is_thinking = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def follow(self) -> Iterator[Callable[[int], None]]:
        """Count the tokens of one answer; several may arrive at the same time."""
        with self._lock:
            self._answers += 1
        try:
            yield self._count
        finally:
            with self._lock:
                self._answers -= 1
                if not self._answers:
                    self._tokens = 0
                    self._erase()

    def _count(self, tokens: int) -> None:
        with self._lock:
            self._tokens += tokens
            now = time.monotonic()
            if self._shows_tokens and now - self._last >= _EVERY:
                self._last, self._is_drawn = now, True
                sys.stderr.write(f"\r{self._tokens:,} tokens…\x1b[K")
                sys.stderr.flush()

    def _erase(self) -> None:
        if self._is_drawn:
            self._is_drawn = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def think(self, text: str) -> None:
        """Show a piece of a thought, if the user wants to see them."""
        if self._shows_thoughts:
            self._hide_count()
            self._is_thinking = True
            terminal.write_aside(text)

    def begin_answer(self) -> None:
        """Leave the terminal to the answer."""
        self._hide_count()
        if self._is_thinking:
            self._is_thinking = False
            terminal.write_aside("\n\n")

    def _hide_count(self) -> None:
        with self._lock:
            self._shows_tokens = False
            self._erase()
