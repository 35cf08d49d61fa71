"""Token buckets in the memory of one worker, for requests without a possible token."""

import time
from collections import OrderedDict
from collections.abc import Callable

from promptvault.server.limit.rule import Limit
from promptvault.server.limit.service import raise_if_exhausted

_NETWORKS = 10_000
"""Buckets that are kept; the least recently used is dropped first."""


class MemoryLimit:
    """Token buckets by network.

    They are not in the database, because a request without a possible token must not
    cost a query.
    """

    def __init__(self, limit: Limit, now: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._now = limit, now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, network: str) -> None:
        """Count a request from *network*; raises RateLimitedError."""
        now, limit = self._now(), self._limit
        left, since = self._buckets.pop(network, (float(limit.burst), now))
        left = min(limit.burst, left + (now - since) * limit.per_second) - 1
        self._buckets[network] = (max(left, 0.0), now)
        if len(self._buckets) > _NETWORKS:
            self._buckets.popitem(last=False)
        raise_if_exhausted(left, limit)
