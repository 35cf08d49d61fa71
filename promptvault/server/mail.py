"""Mail, over the SMTP server of the settings."""

import asyncio
import smtplib
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import NamedTuple
from uuid import UUID

from promptvault.errors import (
    InvalidInputError,
    PromptVaultError,
    UnavailableError,
)
from promptvault.server.settings import Settings

_TIMEOUT_SECONDS = 10


class Letter(NamedTuple):
    """A mail in plain text."""

    to: str
    subject: str
    text: str


async def send_mail(settings: Settings, letter: Letter, job_id: UUID) -> None:
    """Send a mail, from the job with an id.

    The id makes the Message-ID, by which a mail program recognises a mail that was sent
    twice. Raises InvalidInputError if the address is wrong or the mail server refuses
    it, UnavailableError if the mail cannot be sent now.
    """
    if not settings.smtp_host:
        raise UnavailableError("PROMPTVAULT_SERVER_SMTP_HOST is not set.")
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = checked_address(letter.to)
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{job_id}@{_domain(settings.mail_from)}>"
    message["Date"] = datetime.now(UTC)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    try:
        await asyncio.to_thread(_send, settings, message, letter.to)
    except (OSError, UnicodeError) as error:  # SMTPException is an OSError
        raise _failure(error) from None


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def _failure(error: OSError | UnicodeError) -> PromptVaultError:
    """Return the error for a mail that was not sent, without what the server said."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        if all(500 <= code < 600 for code in codes):
            return InvalidInputError(
                f"The mail server refuses the address ({codes[0]})."
            )
    reason = type(error).__name__
    if isinstance(error, smtplib.SMTPResponseException):
        reason += f" {error.smtp_code}"
    return UnavailableError(f"The mail could not be sent: {reason}.")


def checked_address(to: str) -> Address:
    """Return *to* as exactly one address, even with commas or quotes in it.

    Raises InvalidInputError if it is not valid.
    """
    try:
        return Address(addr_spec=to)
    except (ValueError, IndexError):
        raise InvalidInputError("This is no e-mail address.") from None


def _send(settings: Settings, message: EmailMessage, to: str) -> None:
    with _connection(settings) as server:
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(message, to_addrs=[to])


def _connection(settings: Settings) -> smtplib.SMTP:
    assert settings.smtp_host is not None
    address = settings.smtp_host, settings.smtp_port
    context = ssl.create_default_context()
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(*address, timeout=_TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(*address, timeout=_TIMEOUT_SECONDS)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server
