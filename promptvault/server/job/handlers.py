"""What is done for each kind of job: the one place to register it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from promptvault.server.account import deletion, password_change
from promptvault.server.ai.overdue import settle_overdue
from promptvault.server.billing import letter as billing_letter
from promptvault.server.billing import reconcile
from promptvault.server.database import Connection
from promptvault.server.invitation import service as invitation
from promptvault.server.job.queue import Kind
from promptvault.server.job.work import Handler, Work
from promptvault.server.mail import Letter, send_mail
from promptvault.server.ownership import letter
from promptvault.server.retention import service as retention
from promptvault.server.settings import Settings
from promptvault.server.share import pause_mail
from promptvault.server.sign_up import service as sign_up

Writer = Callable[[Connection, Settings, Mapping[str, str]], Awaitable[Letter | None]]
"""Writes a mail from the ids of its job; None if it is no longer needed."""


def mailing(write: Writer) -> Handler:
    """Return the handler that sends what *write* writes.

    Links in it are committed before it is sent. So the link of a mail is good even if
    the process was killed before it could note that the mail was sent.
    """

    async def handle(work: Work) -> None:
        async with work.database.transaction() as connection:
            letter = await write(connection, work.settings, work.ids)
        if letter is not None:
            await send_mail(work.settings, letter, work.job_id)

    return handle


HANDLERS: Mapping[str, Handler] = {
    Kind.MAIL_SIGN_UP: mailing(sign_up.write_mail),
    Kind.MAIL_PASSWORD: mailing(password_change.write_mail),
    Kind.MAIL_DELETION: mailing(deletion.write_mail),
    Kind.MAIL_ORPHANED: mailing(letter.write_mail),
    Kind.MAIL_SHARE_PAUSED: mailing(pause_mail.write_mail),
    Kind.MAIL_INVITATION: mailing(invitation.write_mail),
    Kind.MAIL_PAYMENT_FAILED: mailing(billing_letter.write_failed),
    Kind.MAIL_GRACE_ENDS: mailing(billing_letter.write_ending),
    Kind.RECONCILE: reconcile.reconcile,
    Kind.RECONCILE_ALL: reconcile.reconcile_all,
    Kind.CANCEL_SUBSCRIPTIONS: reconcile.cancel_subscriptions,
    Kind.PLAN_SWEEP: reconcile.sweep_plans,
    Kind.AI_SETTLE: settle_overdue,
    Kind.PURGE: retention.purge_part,
}
"""The function for each kind. It may be called again for the same job, if the process
ended before its result was committed. What it writes on `Work.connection` is committed
together with the end of the job, so it takes effect once."""


def periods(settings: Settings) -> dict[Kind, timedelta]:
    """Return the kinds of periodic jobs, and how often each is added."""
    found = {Kind.PLAN_SWEEP: timedelta(minutes=1)}
    if settings.purge_daily:
        found[Kind.PURGE] = timedelta(days=1)
    if settings.has_ai:
        found[Kind.AI_SETTLE] = timedelta(minutes=1)
    if settings.has_billing:
        found[Kind.RECONCILE_ALL] = timedelta(days=1)
    return found
