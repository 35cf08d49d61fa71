"""Answers that were given before: which request they belong to, and which are kept."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.chat import Answer, Request
from promptvault.providers.endpoint import Endpoint
from promptvault.services.asking.transport import Call, Transport
from promptvault.vault.activity.response_cache import CachedAnswer, ResponseCache


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """The response cache, keyed by endpoint, model and request."""

    cache: ResponseCache
    now: Callable[[], datetime]
    reads: bool = True
    """False asks again even if the answer is cached."""
    writes: bool = True
    """False adds no answer."""

    def find(self, endpoint: Endpoint, request: Request) -> Answer | None:
        """Return the cached answer to *request*, None if there is none.

        Its cost is 0 US dollars; its seconds are those of the original request.
        """
        if not self.reads:
            return None
        key = _key(endpoint.public_url, endpoint.model, request)
        found = self.cache.find(key, self.now())
        if found is None:
            return None
        return Answer(
            found.text,
            endpoint.model,
            endpoint.public_url,
            found.usage,
            0.0,
            found.seconds,
            cached=True,
            is_cut=found.is_cut,
        )

    def add(self, request: Request, answer: Answer) -> None:
        """Store a new *answer* to *request*.

        An answer that was cut by a limit other than the request's own, such as the
        budget, is not stored: with more budget the answer would be longer.
        """
        cut_by_budget = answer.is_cut and request.max_tokens is None
        if answer.cached or cut_by_budget or not self.writes:
            return
        stored = CachedAnswer(
            answer.text, answer.usage, answer.cost, answer.seconds, answer.is_cut
        )
        key = _key(answer.endpoint, answer.model, request)
        self.cache.add(key, answer.model, stored, self.now())


def _key(endpoint: str, model: str, request: Request) -> str:
    """Return the SHA-256, in hexadecimal, of all that can change the answer."""
    parts = [
        endpoint,
        model,
        request.messages,
        request.temperature,
        request.max_tokens,
        request.schema,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CachedTransport:
    """Answers from the cache, else through *transport*, and caches what is new."""

    transport: Transport
    endpoint: Endpoint
    cache: AnswerCache

    def send(self, call: Call) -> Answer:
        """Return the answer; a cached one comes as a single piece."""
        found = self.cache.find(self.endpoint, call.request)
        if found is not None:
            if call.on_text:
                call.on_text(found.text)
            return found
        answer = self.transport.send(call)
        if call.stores:
            self.cache.add(call.request, answer)
        return answer
