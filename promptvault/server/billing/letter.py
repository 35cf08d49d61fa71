"""Mails about payments that have failed."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from promptvault.server.account.deletion import format_day
from promptvault.server.database import Connection
from promptvault.server.mail import Letter
from promptvault.server.settings import Settings

_FAILED = "A payment for PromptVault has failed"
_FAILED_TEXT = """\
The payment for your plan on PromptVault has failed. The plan stays until {date}.
Update your card, or pay, before that day:

{url}

After it, the account has the free plan. Nothing is deleted.
"""
_ENDS = "Your PromptVault plan is about to end"
_ENDS_TEXT = """\
The payment for your plan on PromptVault is still missing. On {date} the account goes
to the free plan. Nothing is deleted, but no prompts can be added above its limit.

{url}
"""


class _Due(NamedTuple):
    email: str
    past_due_since: datetime


async def write_failed(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail about the first payment that failed; None if it is paid."""
    return await _write(connection, settings, ids, _FAILED, _FAILED_TEXT)


async def write_ending(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail before the end of the grace period; None if it is paid."""
    return await _write(connection, settings, ids, _ENDS, _ENDS_TEXT)


async def _write(
    connection: Connection,
    settings: Settings,
    ids: Mapping[str, str],
    subject: str,
    text: str,
) -> Letter | None:
    cursor = connection.cursor(row_factory=class_row(_Due))
    await cursor.execute(
        """
        SELECT u.email, s.past_due_since
          FROM subscriptions s JOIN users u ON u.account_id = s.account_id
         WHERE s.id = %s AND s.past_due_since IS NOT NULL AND u.role = 'owner'
           AND u.deleted_at IS NULL
        """,
        (ids["subscription"],),
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    date = format_day(found.past_due_since + settings.billing_grace)
    url = f"{settings.public_url}/billing"
    return Letter(found.email, subject, text.format(date=date, url=url))
