"""A mail server for tests, on a socket."""

import contextlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.sync.waiting import eventually


class MailServer:
    """Keeps the mails that it receives."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[tuple[list[str], Message]] = []

    async def handle_DATA(
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Receive one mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        self.mails.append(([*envelope.rcpt_tos], mail))
        return "250 OK"

    def link(self, at: int = -1) -> str:
        """Return the path of the link in a mail."""
        text = self.mails[at][1].get_payload(decode=True)
        assert isinstance(text, bytes)
        found = re.search(rb"http://[^/]+(/\S+token=\S+)", text)
        assert found, text
        return found[1].decode()

    def wait_for_link(self, number: int = 1) -> str:
        """Return the path of the link in mail number *number*, counted from 1.

        It waits until the mail has arrived.
        """
        eventually(lambda: len(self.mails) >= number)
        return self.link(number - 1)


@contextlib.contextmanager
def mail_server(port: int) -> Iterator[MailServer]:
    """Run a mail server on *port* while the block runs."""
    mails = MailServer(port)
    controller = Controller(mails, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mails
    finally:
        controller.stop()
