"""The server's model: who may ask it, and what was used."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID, uuid4

from promptvault.domain.hosted import Task
from promptvault.errors import NotFoundError
from promptvault.server.account.repository import AccountRepository
from promptvault.server.ai.answer_store import AnswerStore
from promptvault.server.ai.exchange import Asked, Exchange, Worker
from promptvault.server.ai.ledger import check_customer, most_cost
from promptvault.server.ai.repository import AT_ONCE, AiRepository, Customer, Wish
from promptvault.server.ai.settings import MICRO
from promptvault.server.ai.upstream import Upstream
from promptvault.server.database import Connection, Database
from promptvault.server.limit.concurrency import ConcurrencyLimit
from promptvault.server.limit.rule import AI_BY_ACCOUNT
from promptvault.server.limit.service import raise_if_exhausted
from promptvault.server.redis.client import Redis
from promptvault.server.settings import Settings
from promptvault.server.token.repository import Bearer
from promptvault.wire.ai import AiUsageRead, ChatCreate, TaskUsageRead

_WORKER_AT_ONCE = 8
_MOST_WAITING = 200


class Labels(NamedTuple):
    """The headers of a request."""

    task: Task
    operation: UUID | None
    key: str | None


class Hosted:
    """The server's model, as one worker offers it."""

    def __init__(
        self, settings: Settings, database: Database, redis: Redis | None
    ) -> None:
        self._settings, self._database = settings, database
        waiting = (_MOST_WAITING, settings.pool_timeout)
        self._worker = Worker(
            database,
            Upstream(settings),
            AnswerStore(database, settings.key, redis),
            ConcurrencyLimit(AT_ONCE, *waiting),
            ConcurrencyLimit(_WORKER_AT_ONCE, *waiting),
        )
        self._running: set[asyncio.Task[object]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer while the block runs. What runs at its end is settled as it is."""
        try:
            yield
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._worker.upstream.close()

    async def admit(self, bearer: Bearer) -> Customer:
        """Count a request, and return the customer who may send it.

        Raises as `check_customer`; RateLimitedError.
        """
        async with self._database.statements() as connection:
            customer = await AiRepository(connection).admit(
                bearer.account_id, AI_BY_ACCOUNT
            )
        check_customer(customer)
        raise_if_exhausted(customer.requests_left or 0, AI_BY_ACCOUNT)
        return customer

    def start(
        self,
        bearer: Bearer,
        customer: Customer,
        chat: ChatCreate,
        body: bytes,
        labels: Labels,
    ) -> Exchange:
        """Begin to answer a request; raises TooLargeError."""
        cap = self._settings.ai_cap(customer.plan)
        wish = Wish(
            bearer.account_id,
            bearer.user_id,
            labels.operation or uuid4(),
            labels.task,
            customer.plan,
            cap,
            self._settings.ai_instance_cap,
            most_cost(chat, len(body), self._worker.upstream.dearest),
        )
        hash = self._worker.answers.hash_of(labels.key, body) if labels.key else None
        exchange = Exchange(self._worker, Asked(chat, wish, hash))
        self._running.add(exchange.task)
        exchange.task.add_done_callback(self._running.discard)
        return exchange


async def read_usage(
    connection: Connection, settings: Settings, account_id: UUID
) -> AiUsageRead:
    """Return what an account has used this month; raises NotFoundError."""
    if not settings.has_ai:
        raise NotFoundError("This server has no model of its own.")
    ai = AiRepository(connection)
    plan = (await AccountRepository(connection).usage(account_id)).plan
    month = await ai.month(account_id)
    tasks = await ai.by_task(account_id)
    optimizations = (each.operations for each in tasks if each.task == Task.OPTIMIZE)
    return AiUsageRead(
        month=month.name,
        spent_usd=month.spent / MICRO,
        cap_usd=settings.ai_cap(plan) / MICRO,
        optimizations=sum(optimizations),
        resets_at=month.resets_at,
        by_task={
            each.task: TaskUsageRead(
                requests=each.requests, spent_usd=each.spent / MICRO
            )
            for each in tasks
        },
    )
