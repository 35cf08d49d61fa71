"""The blind judgement: texts by number, in two opposite orders, with a decoy.

Judges favour certain positions in a list; the two orders cancel that out, for one more
request. The decoy is the current text with its words in disorder. A judge that rates it
like a good text cannot tell them apart, and its other ratings mean nothing either.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from promptvault.services.asking.model import Model
from promptvault.services.optimization.rubric import (
    MOST_TOTAL,
    Rating,
    Score,
    rate_texts,
    total_points,
)

_FEW_WORDS = 4
"""A text with fewer has no order of words to lose; its letters are shuffled."""
_MOST_DIFFERENCE = MOST_TOTAL / 3
"""Points between the two ratings of one text."""


class BlindRatings(NamedTuple):
    """The ratings of texts in both orders."""

    forward: Mapping[str, Rating]
    backward: Mapping[str, Rating]
    decoy: str | None
    """One of the texts; None if the current text cannot be shuffled."""

    def mean(self, text: str) -> Rating:
        """Return the average rating of *text*, with the reasons of the lower scores."""
        second = self.backward[text]
        return {
            name: Score((one.points + other.points) / 2, min(one, other).reason)
            for name, one in self.forward[text].items()
            for other in [second[name]]
        }

    def doubt(self, best: str) -> str:
        """Return why the ratings prove nothing about *best*, '' if they do."""
        apart = max(map(self._difference, self.forward))
        if apart > _MOST_DIFFERENCE:
            return (
                f"it gives the same text {apart:g} of {MOST_TOTAL} points more in one"
                " order than in the other"
            )
        if self.decoy is not None and not self._all_above(best, self.decoy):
            return "it rates the text with its words shuffled as high as the best one"
        return ""

    def _difference(self, text: str) -> float:
        first, second = self.forward[text], self.backward[text]
        return abs(total_points(first) - total_points(second))

    def _all_above(self, text: str, other: str) -> bool:
        return all(
            total_points(order[text]) > total_points(order[other])
            for order in (self.forward, self.backward)
        )


def rate_blind(judge: Model, texts: Sequence[str], goal: str) -> BlindRatings:
    """Return the ratings of *texts*, the first of which is the current one.

    Raises what `ask_json` raises.
    """
    decoy = make_decoy(texts[0])
    order = blind_order([*texts, decoy] if decoy else texts)
    orders = [order, order[::-1]]
    found = judge.each(lambda texts: rate_texts(judge, texts, goal), orders)
    forward, backward = (
        dict(zip(texts, ratings, strict=True))
        for texts, ratings in zip(orders, found, strict=True)
    )
    return BlindRatings(forward, backward, decoy)


def make_decoy(text: str) -> str | None:
    """Return *text* with its words, or the letters of a short one, shuffled.

    The order depends on the text alone. Returns None if there is no other order.
    """
    words = text.split()
    parts, between = (words, " ") if len(words) >= _FEW_WORDS else (list(text), "")
    shuffled = sorted(
        enumerate(parts), key=lambda part: _digest(text, str(part[0]), part[1])
    )
    decoy = between.join(part for _, part in shuffled)
    return decoy if decoy.split() != words else None


def blind_order(texts: Sequence[str]) -> list[str]:
    """Return distinct *texts* in an order that does not reveal their source.

    The order depends on the texts alone, so a repeated request is found in the cache.
    """
    seed = "\0".join(sorted(texts))
    return sorted(texts, key=lambda text: _digest(seed, text))


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\0".join(texts).encode()).digest()
