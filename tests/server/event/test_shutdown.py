"""The handlers of signals while the server runs, and after it."""

import signal

from promptvault.server.database import Database
from promptvault.server.event.hub import Hub
from promptvault.server.event.shutdown import closing_at_signal
from promptvault.server.settings import Settings


def test_the_handlers_of_before_are_set_again(settings: Settings) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with closing_at_signal(Hub(settings, Database(settings))):
        during = signal.getsignal(signal.SIGINT)
    assert during is not before[0]
    assert [signal.getsignal(number) for number in numbers] == before
