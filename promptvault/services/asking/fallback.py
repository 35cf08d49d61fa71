"""The next endpoint answers if the first one is down."""

import threading
from collections.abc import Callable, Mapping, Sequence

from promptvault.domain.chat import Answer
from promptvault.errors import PromptVaultError, RateLimitedError, UnavailableError
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import ServerBusyError, ServerDownError
from promptvault.services.asking.budget import BudgetError
from promptvault.services.asking.transport import Call, Transport


class FallbackTransport:
    """Sends a call through the first transport that works.

    An endpoint that failed is not asked again, if there is another one.
    """

    def __init__(
        self, transports: Mapping[Endpoint, Transport], notify: Callable[[str], None]
    ) -> None:
        self._transports = transports
        self._notify = notify
        self._down: dict[Endpoint, PromptVaultError] = {}
        self._lock = threading.Lock()

    def send(self, call: Call) -> Answer:
        """Return the answer; see `Transport`.

        Raises UnavailableError if every endpoint is down, RateLimitedError if all are
        busy, BudgetError, and an error of the request itself from the first endpoint.
        """
        failures: list[PromptVaultError] = []
        for endpoint, transport in self._transports.items():
            try:
                if endpoint in self._down:
                    raise self._down[endpoint]
                return transport.send(call)
            except BudgetError:
                raise
            except (UnavailableError, RateLimitedError) as error:
                self._note_failure(endpoint, error)
                failures.append(error)
        raise _combined(failures)

    def _note_failure(self, endpoint: Endpoint, error: PromptVaultError) -> None:
        endpoints = list(self._transports)
        with self._lock:
            if len(endpoints) == 1 or endpoint in self._down:
                return
            self._down[endpoint] = error
        if endpoint != endpoints[-1]:
            following = endpoints[endpoints.index(endpoint) + 1]
            asking = f"Asking {following.model} on {following.server}."
            self._notify(f"{_what_happened(error)} {asking}")


def _what_happened(error: PromptVaultError) -> str:
    """Return the message of *error* without its advice, which a fallback replaces."""
    if isinstance(error, ServerBusyError | ServerDownError):
        return error.what
    return str(error)


def _combined(failures: Sequence[PromptVaultError]) -> PromptVaultError:
    """Return one error for those of all endpoints."""
    if len(failures) == 1:
        return failures[0]
    message = " And the fallback: ".join(map(str, failures))
    if all(isinstance(each, RateLimitedError) for each in failures):
        return RateLimitedError(message)
    return UnavailableError(message)
