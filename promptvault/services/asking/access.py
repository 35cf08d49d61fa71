"""Whether a model may be asked: with a key, or by the plan of a PromptVault server."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from promptvault.domain.chat import Answer
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    UnavailableError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.services.asking.transport import Call, Transport
from promptvault.services.sync.session import Session

_WAYS = (
    "Set OPENAI_API_KEY, or ai.base_url and ai.model for a model on this computer; or"
    " use the model of a server, with 'promptvault login' and a plan ('promptvault help"
    " hosted-models')."
)


class NoModelError(InvalidInputError):
    """There is neither an own key nor a server with a model; nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason[0].upper()}{reason[1:]}. {_WAYS}")
        self.reason = reason
        """Without the advice, as a part of a sentence."""


@dataclass(frozen=True, slots=True)
class AccessTransport:
    """Sends a call through *transport*, unless *require* raises an error."""

    transport: Transport
    endpoint: Endpoint
    require: Callable[[Endpoint], None]

    def send(self, call: Call) -> Answer:
        """Return the answer; see `Transport`."""
        self.require(self.endpoint)
        return self.transport.send(call)


def require_key(endpoint: Endpoint) -> None:
    """Raise UnavailableError if *endpoint* needs a key and has none."""
    if endpoint.needs_key and not endpoint.key:
        raise UnavailableError(
            f"There is no key for {endpoint.host}. Set OPENAI_API_KEY, or run"
            " 'promptvault config set ai.api_key'; for a model on this computer, set"
            " ai.base_url and ai.model."
        )


def refuse_signed_out(endpoint: Endpoint) -> None:
    """Raise NoModelError: *endpoint* has no key, and the user is not signed in."""
    raise NoModelError(
        f"there is no key for {endpoint.host}, and you are not signed in to a server"
    )


@dataclass(slots=True)
class PlanCheck:
    """Checks that the user's plan has the server's model, before the first request."""

    session: Session
    notify: Callable[[str], None]
    """Receives a sentence for the user, once, if the model is used."""
    _reason: str | None = None
    """Why the server's model cannot be used; None before the check, '' if it can."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, endpoint: Endpoint) -> None:
        """Raise NoModelError if the plan does not have it.

        Raises UnavailableError and RateLimitedError too: the server is asked.
        """
        with self._lock:
            if self._reason is None:
                self._reason = self._find_reason()
                if not self._reason:
                    self.notify(f"With the server's model ({endpoint.server}).")
        if self._reason:
            raise NoModelError(f"there is no key, and {self._reason}")

    def _find_reason(self) -> str:
        """Return why the server's model cannot be used, '' if it can."""
        # httpx and pydantic: a cached answer does not need them.
        from promptvault.client.client import connect
        from promptvault.wire.account import Feature

        host = self.session.address.host
        try:
            with connect(self.session.address, self.session.token) as client:
                me = client.me()
        except AuthenticationError:
            return f"you are no longer signed in to {host}"
        if Feature.AI not in me.features:
            return f"{host} has no model of its own"
        if me.limits.optimizations == 0:
            return f"the {me.tier} plan of {host} does not include its model"
        return ""
