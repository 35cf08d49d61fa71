"""Token buckets in Redis: one key a bucket, one atomic step to take a token."""

from promptvault.server.limit.rule import Limit
from promptvault.server.redis.client import Redis, Script

# A bucket is "tokens time". It expires when it would be full again. A refused request
# changes nothing, except that it corrects a time that is ahead of the clock.
TAKE_FUNCTION = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local function take(key, burst, per_second, count)
    local tokens, since = burst, now
    local bucket = redis.call('GET', key)
    if bucket then
        local one, two = string.match(bucket, '^(%S+) (%S+)$')
        tokens, since = tonumber(one), tonumber(two)
    end
    local grown = math.max(0, now - since) * per_second
    local left = math.min(burst, tokens + grown) - count
    local rest = left
    if left < 0 then
        if since <= now then return left end
        rest = tokens
    end
    redis.call('SET', key, rest .. ' ' .. now, 'PX',
               math.ceil((burst - rest) / per_second * 1000) + 1000)
    return left
end
"""
TAKE = Script(
    TAKE_FUNCTION
    + "return tostring(take(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), 1))"
)


class RedisLimitRepository:
    """Buckets in Redis, as those of `LimitRepository` in PostgreSQL."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, key: str, limit: Limit) -> float:
        """Take a token and return what is left, as `LimitRepository.take` does.

        It counts at once. Raises RedisAwayError.
        """
        left = await self._redis.run(
            TAKE, [f"limit:{key}"], limit.burst, limit.per_second
        )
        return float(left)
