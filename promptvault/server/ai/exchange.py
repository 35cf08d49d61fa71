"""One request to the model, from the reservation to the settlement.

It runs in a task of its own, which ends whether the client stays or not: what the model
charges is known at its end only.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import psycopg
import structlog

from promptvault.errors import PromptVaultError, UnavailableError
from promptvault.server import metrics
from promptvault.server.ai.answer import Answer, event, replay
from promptvault.server.ai.answer_store import AnswerStore
from promptvault.server.ai.failure import (
    ModelDownError,
    ModelError,
    ModelMisconfiguredError,
    ModelRefusedError,
)
from promptvault.server.ai.ledger import reserve
from promptvault.server.ai.repository import (
    FREE,
    UNKNOWN,
    AiRepository,
    Settlement,
    Wish,
)
from promptvault.server.ai.settings import Target
from promptvault.server.ai.upstream import Stream, Upstream
from promptvault.server.database import Database
from promptvault.server.limit.concurrency import ConcurrencyLimit
from promptvault.wire.ai import ChatCreate, ChatRead

_MOST_SECONDS = 540.0
"""Of an answer. After ten minutes a reservation counts as left behind."""
_ALONE_SECONDS = 30.0
"""For which an answer is read on after its client has gone."""
_WORKER = "worker"

_log = structlog.get_logger("promptvault.server")


class Worker(NamedTuple):
    """What all exchanges of a worker use."""

    database: Database
    upstream: Upstream
    answers: AnswerStore
    account_slots: ConcurrencyLimit
    slots: ConcurrencyLimit


class Asked(NamedTuple):
    """A request that is allowed."""

    chat: ChatCreate
    wish: Wish
    hash: str | None
    """Of its key; None without a key."""


class Exchange:
    """A request to the model while it runs."""

    def __init__(self, worker: Worker, asked: Asked) -> None:
        self._worker, self._asked = worker, asked
        self._pieces: list[bytes] = []
        """Events that are not sent yet."""
        self._news = asyncio.Event()
        self._has_ended = False
        self._deadline: asyncio.Timeout | None = None
        self._has_left = False
        self._has_sent = False
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(_retrieve)

    async def whole(self) -> ChatRead:
        """Wait for the whole answer; raises PromptVaultError."""
        return await asyncio.shield(self.task)

    async def stream(self) -> AsyncIterator[bytes]:
        """Return the events, when there is a first one; raises PromptVaultError."""
        first = await self._take()
        if not first:
            await asyncio.shield(self.task)
        return self._rest(first)

    async def _rest(self, first: bytes) -> AsyncIterator[bytes]:
        pieces = first
        try:
            while pieces:
                yield pieces
                pieces = await self._take()
        finally:
            self._leave()

    async def _take(self) -> bytes:
        """Wait for events, and return all there are; nothing at the end."""
        while not self._pieces and not self._has_ended:
            self._news.clear()
            await self._news.wait()
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

    def _leave(self) -> None:
        """Note that no one listens any more."""
        self._has_left = True
        if self._deadline is not None:
            until = asyncio.get_running_loop().time() + _ALONE_SECONDS
            self._deadline.reschedule(min(until, self._deadline.when() or until))

    def _send(self, piece: bytes) -> None:
        """Pass on a part of a stream. An answer has an end, so nothing has to wait."""
        if piece and not self._has_left and self._asked.chat.stream:
            self._has_sent = True
            self._pieces.append(piece)
            self._news.set()

    @property
    def _wants_usage(self) -> bool:
        options = self._asked.chat.stream_options
        return options is not None and options.include_usage

    async def _run(self) -> ChatRead:
        try:
            return await self._answer_once()
        except Exception as error:
            if self._has_sent:
                self._send(event({"error": _shown(error)}))
            raise
        finally:
            self._has_ended = True
            self._news.set()

    async def _answer_once(self) -> ChatRead:
        """Answer a request, or return the answer to the same one with the same key."""
        hash, account_id = self._asked.hash, self._asked.wish.account_id
        if hash is None:
            return await self._answer()
        answers = self._worker.answers
        stored = await answers.claim(account_id, hash)
        if stored is not None:
            found = ChatRead.model_validate_json(stored)
            self._send(replay(found, has_usage=self._wants_usage))
            return found
        is_kept = False
        try:
            answer = await self._answer()
            await answers.keep(account_id, hash, answer.model_dump_json().encode())
            is_kept = True
        finally:
            if not is_kept:
                await answers.release(account_id, hash)
        return answer

    async def _answer(self) -> ChatRead:
        worker, wish = self._worker, self._asked.wish
        async with (
            worker.account_slots.slot(wish.account_id),
            worker.slots.slot(_WORKER),
        ):
            id = await reserve(worker.database, wish)
            answer = await self._paid(id)
        self._send(answer.end(has_usage=self._wants_usage))
        return answer.whole()

    async def _paid(self, id: UUID) -> Answer:
        """Ask the model for what is reserved, and settle it whatever happens."""
        answer, target, end = Answer(), None, None
        try:
            async with (
                asyncio.timeout(_MOST_SECONDS) as self._deadline,
                self._worker.upstream.ask(self._asked.chat) as stream,
            ):
                target = stream.target
                await self._read(stream, answer)
        except (ModelDownError, ModelMisconfiguredError, ModelRefusedError) as error:
            end = FREE
            self._note(error)
            raise
        except ModelError as error:
            self._note(error)
            raise
        except TimeoutError:
            self._note(ModelError("no end"))
            raise ModelError("no end") from None
        finally:
            self._deadline = None
            await self._settle(id, end or _end(answer, target))
        return answer

    async def _read(self, stream: Stream, answer: Answer) -> None:
        async for block in stream.blocks():
            events = [answer.read(each) for each in block if each != b"[DONE]"]
            self._send(b"".join(events))
            if block[-1] == b"[DONE]":
                break
        if answer.finish is None:
            raise ModelError("cut off")

    def _note(self, error: PromptVaultError) -> None:
        reason = error.reason if isinstance(error, ModelError) else "refused"
        _log.warning("the model failed", reason=reason, task=self._asked.wish.task)

    async def _settle(self, id: UUID, end: Settlement) -> None:
        """Settle, or leave it to the job that looks for what was left behind."""
        wish = self._asked.wish
        cost = wish.amount if end.cost is None else min(end.cost, wish.amount)
        metrics.count_ai(wish.task, end.state, cost)
        if end.cost is not None and end.cost > wish.amount:
            _log.error("the model counts more than was reserved", task=wish.task)
        try:
            async with self._worker.database.transaction() as connection:
                await AiRepository(connection).settle(wish.account_id, id, end)
        except (psycopg.Error, UnavailableError) as error:
            _log.error("a request to the model is not settled", exc_info=error)


def _end(answer: Answer, target: Target | None) -> Settlement:
    """Return how a request has ended that the model may have charged."""
    if target is None:
        return UNKNOWN
    tokens = answer.usage
    return Settlement(
        "settled",
        answer.cost(target.price),
        target.endpoint.model,
        tokens.prompt_tokens if tokens else None,
        tokens.completion_tokens if tokens else None,
    )


def _shown(error: Exception) -> dict[str, str]:
    known = error if isinstance(error, PromptVaultError) else ModelError("bug")
    return {"code": known.code, "message": str(known)}


def _retrieve(task: "asyncio.Task[ChatRead]") -> None:
    """Look at the error of a task whose client has gone, so that asyncio does not."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
