"""Bearers of tokens in Redis, so that a push needs no query before its transaction.

An entry says only where a request counts and what the token may do, which never
changes. Whether the token is still valid is read from PostgreSQL, in the transaction of
the push (`sync.exchange`). So an old entry gives no access.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from promptvault.server.limit.redis_repository import TAKE_FUNCTION
from promptvault.server.limit.rule import Limit
from promptvault.server.redis.client import Redis, Script
from promptvault.server.token.repository import Bearer

_KEPT_MS = 60_000
"""Milliseconds. Then `authenticate` reads the token again, and stores its use."""
_AHEAD = 7
"""Requests for which a worker takes tokens in advance."""
_AHEAD_SECONDS = 5
"""How long it may use them."""
_BEARERS = 10_000
"""Bearers with tokens in advance; the oldest is dropped first."""

# Without an entry, nothing is counted. With ARGV[6] there is one afterwards. The answer
# is one string, because the driver takes long to read several.
#
# A worker takes tokens in advance only while both buckets are more than half full, and
# if they grow as fast as it loses tokens that it does not use in time. Near the limit
# each request is counted by itself.
COUNT = Script(
    TAKE_FUNCTION
    + f"""
local bearer = ARGV[6]
if bearer then
    redis.call('SET', KEYS[1], bearer, 'PX', ARGV[7])
else
    bearer = redis.call('GET', KEYS[1])
    if not bearer then return false end
end
local device, account = string.match(bearer, '^(%S+) (%S+)')
device, account = ARGV[1] .. 'bearer:' .. device, ARGV[1] .. 'account:' .. account
local burst, rate = tonumber(ARGV[2]), tonumber(ARGV[3])
local account_burst, account_rate = tonumber(ARGV[4]), tonumber(ARGV[5])
local left, shared, ahead = take(device, burst, rate, 1), -1, 0
if left >= 0 then shared = take(account, account_burst, account_rate, 1) end
if not ARGV[6] and left - {_AHEAD} >= burst / 2
    and shared - {_AHEAD} >= account_burst / 2
    and math.min(rate, account_rate) * {_AHEAD_SECONDS} >= {_AHEAD} then
    take(device, burst, rate, {_AHEAD})
    take(account, account_burst, account_rate, {_AHEAD})
    ahead = {_AHEAD}
end
return left .. ' ' .. shared .. ' ' .. ahead .. ' ' .. bearer
"""
)


@dataclass(slots=True)
class _Advance:
    """Requests of a token that are counted already."""

    bearer: Bearer
    left: int
    until: float


class KnownBearers:
    """Counts requests by device and account, and keeps the bearers of tokens."""

    def __init__(self, redis: Redis, limit: Limit, account_limit: Limit) -> None:
        self._redis, self._limits = redis, (limit, account_limit)
        self._advances: OrderedDict[str, _Advance] = OrderedDict()

    async def find(self, token_hash: str) -> Bearer | None:
        """Return the bearer of a token that was added, and count the request.

        The bearer is not confirmed. Raises RedisAwayError.
        """
        if bearer := self._counted_in_advance(token_hash):
            return bearer
        found = await self._count(token_hash)
        if found is None:
            return None
        left, shared, ahead, entry = found.decode().split(" ", 3)
        bearer = _bearer(float(left), float(shared), *entry.split(" "))
        if ahead != "0":
            until = time.monotonic() + _AHEAD_SECONDS
            self._advances[token_hash] = _Advance(bearer, int(ahead), until)
            if len(self._advances) > _BEARERS:
                self._advances.popitem(last=False)
        return bearer

    def _counted_in_advance(self, token_hash: str) -> Bearer | None:
        advance = self._advances.get(token_hash)
        if advance is None:
            return None
        advance.left -= 1
        if advance.left <= 0:
            del self._advances[token_hash]
        return advance.bearer if time.monotonic() < advance.until else None

    async def add(self, token_hash: str, bearer: Bearer) -> Bearer:
        """Keep *bearer* for a minute, and return it with the request counted.

        Raises RedisAwayError.
        """
        found = await self._count(token_hash, _entry(bearer), _KEPT_MS)
        assert found is not None
        left, shared = map(float, found.split(b" ", 2)[:2])
        return bearer.counted(left, shared)

    async def _count(self, token_hash: str, *entry: str | int) -> bytes | None:
        limit, account_limit = self._limits
        found: bytes | None = await self._redis.run(
            COUNT,
            [f"token:{token_hash}"],
            f"{self._redis.namespace}limit:",
            *(limit.burst, limit.per_second),
            *(account_limit.burst, account_limit.per_second),
            *entry,
        )
        return found


def _entry(bearer: Bearer) -> str:
    device = bearer.device_id or "-"
    bucket = bearer.device_id or bearer.token_id
    ids = (bucket, bearer.account_id, bearer.token_id, bearer.user_id, device)
    return " ".join([*map(str, ids), *bearer.scopes])


def _bearer(
    left: float,
    shared: float,
    _bucket: str,
    account: str,
    token: str,
    user: str,
    device: str,
    *scopes: str,
) -> Bearer:
    return Bearer(
        token_id=UUID(token),
        user_id=UUID(user),
        account_id=UUID(account),
        device_id=None if device == "-" else UUID(device),
        email="",
        role="",
        scopes=[*scopes],
        is_touch_due=False,
        roster=0,
        requests_left=left,
        account_requests_left=shared,
        is_confirmed=False,
    )
