"""Requests without a token that can be one, counted by address in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

from promptvault.server.limit.rule import Limit
from promptvault.server.limit.service import refuse_below_zero

_NETWORKS = 10_000
"""Remembered by one worker; the one that was seen least recently is forgotten."""


class Strangers:
    """Token buckets of one worker, by network.

    Not in the database: whoever sends nothing to look up is to cost it nothing.
    """

    def __init__(self, limit: Limit, now: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._now = limit, now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, network: str) -> None:
        """Count a request that gets a 401; raises RateLimitedError instead of it."""
        now, limit = self._now(), self._limit
        left, since = self._buckets.pop(network, (float(limit.burst), now))
        left = min(limit.burst, left + (now - since) * limit.per_second) - 1
        self._buckets[network] = (max(left, 0.0), now)
        if len(self._buckets) > _NETWORKS:
            self._buckets.popitem(last=False)
        refuse_below_zero(left, limit)
