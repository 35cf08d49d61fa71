"""Mail, over the SMTP server of the settings."""

import asyncio
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage

import structlog

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.settings import Settings

_TIMEOUT_SECONDS = 10
_log = structlog.get_logger("promptvault.server")


async def send_mail(settings: Settings, to: str, subject: str, text: str) -> None:
    """Send a mail in plain text.

    Raises InvalidInputError if *to* is not an address, UnavailableError if the mail
    cannot be sent. The reason is logged.
    """
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = _checked(to)
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        await asyncio.to_thread(_send, settings, message, to)
    except (OSError, UnicodeError) as error:  # SMTPException is an OSError
        _log.error("mail could not be sent", exc_info=error)
        raise UnavailableError(
            "The mail could not be sent: try again in a while."
        ) from None


def _checked(to: str) -> Address:
    """Return *to* as exactly one address, even with commas or quotes in it."""
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
