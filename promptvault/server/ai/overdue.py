"""What killed processes have left behind, and answers that are older than a day."""

from promptvault.server.ai.answer_store import AnswerStore
from promptvault.server.ai.repository import UNKNOWN, AiRepository
from promptvault.server.job.work import Work

_MOST = 500
"""Requests that one job settles."""


async def settle_overdue(work: Work) -> None:
    """Settle requests that have been open for long, each in a transaction of its own.

    What was reserved counts as spent: the model may have answered.
    """
    for account_id, id in await AiRepository(work.connection).overdue(_MOST):
        async with work.database.transaction() as connection:
            await AiRepository(connection).settle(account_id, id, UNKNOWN)
    await AnswerStore(work.database, work.settings.key).forget_old()
