"""Answers given before: what a request is known by, and what of it is kept."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.chat import Answer, Request
from promptvault.providers.endpoint import Endpoint
from promptvault.vault.activity.response_cache import CachedAnswer, ResponseCache


@dataclass(frozen=True, slots=True)
class Recall:
    """The cache as a model uses it."""

    cache: ResponseCache
    now: Callable[[], datetime]
    reads: bool = True
    """False asks anew also where the answer is known."""
    keeps: bool = True
    """False writes no answer down."""

    def find(self, endpoint: Endpoint, request: Request) -> Answer | None:
        """Return the answer that was kept for *request*, None without one."""
        if not self.reads:
            return None
        key = _key(endpoint.public_url, endpoint.model, request)
        kept = self.cache.find(key, self.now())
        if kept is None:
            return None
        return Answer(
            kept.text,
            endpoint.model,
            endpoint.public_url,
            kept.usage,
            0.0,
            kept.seconds,
            cached=True,
            is_cut=kept.is_cut,
        )

    def keep(self, request: Request, answer: Answer) -> None:
        """Keep a new *answer*, to be given when *request* is made again.

        Not one that was cut by a limit which is not the request's own, as a budget's:
        with more left in it, the answer would be another one.
        """
        cut_by_others = answer.is_cut and request.max_tokens is None
        if answer.cached or cut_by_others or not self.keeps:
            return
        kept = CachedAnswer(
            answer.text, answer.usage, answer.cost, answer.seconds, answer.is_cut
        )
        key = _key(answer.endpoint, answer.model, request)
        self.cache.keep(key, answer.model, kept, self.now())


def _key(endpoint: str, model: str, request: Request) -> str:
    asked = [
        endpoint,
        model,
        request.messages,
        request.temperature,
        request.max_tokens,
        request.schema,
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
