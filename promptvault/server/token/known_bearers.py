"""Bearers of tokens in Redis, so that a push needs no query before its transaction.

An entry says only where a request counts and what the token may do, which never
changes. Whether the token is still valid is read from PostgreSQL, in the transaction of
the push (`sync.exchange`). So an old entry lets nobody in.
"""

from uuid import UUID

from promptvault.server.limit.redis_repository import TAKE_FUNCTION
from promptvault.server.limit.rule import Limit
from promptvault.server.redis.client import Redis, Script
from promptvault.server.token.repository import Bearer

_KEPT_MS = 60_000
"""Milliseconds. Then `authenticate` reads the token again, and stores its use."""

# Without an entry, nothing is counted. With ARGV[6] there is one afterwards. The answer
# is one string, because the driver takes long to read several.
COUNT = Script(
    TAKE_FUNCTION
    + """
local bearer = ARGV[6]
if bearer then
    redis.call('SET', KEYS[1], bearer, 'PX', ARGV[7])
else
    bearer = redis.call('GET', KEYS[1])
    if not bearer then return false end
end
local device, account = string.match(bearer, '^(%S+) (%S+)')
local left = take(ARGV[1] .. 'bearer:' .. device, tonumber(ARGV[2]), tonumber(ARGV[3]))
local shared = -1
if left >= 0 then
    local rate = tonumber(ARGV[5])
    shared = take(ARGV[1] .. 'account:' .. account, tonumber(ARGV[4]), rate)
end
return left .. ' ' .. shared .. ' ' .. bearer
"""
)


class KnownBearers:
    """Counts requests by device and account, and keeps the bearers of tokens."""

    def __init__(self, redis: Redis, limit: Limit, account_limit: Limit) -> None:
        self._redis, self._limits = redis, (limit, account_limit)

    async def find(self, token_hash: str) -> Bearer | None:
        """Return the bearer of a token that was added, and count the request.

        The bearer is not confirmed. Raises RedisAwayError.
        """
        found = await self._count(token_hash)
        return None if found is None else _bearer(*found.decode().split(" "))

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
    left: str,
    shared: str,
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
        requests_left=float(left),
        account_requests_left=float(shared),
        is_confirmed=False,
    )
