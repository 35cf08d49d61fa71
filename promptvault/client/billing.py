"""The requests about what an account pays for, one method each."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from promptvault.client.retry import NO_RETRY
from promptvault.client.transport import Transport
from promptvault.wire.billing import BillingRead, CheckoutCreate, LinkRead

_Model = TypeVar("_Model", bound=BaseModel)


class BillingClient:
    """Sends requests about billing.

    Every method raises the error that the server reports: NotFoundError if the server
    sells nothing. Those that return a page raise PermissionDeniedError unless the user
    owns the account, and UnavailableError if Stripe does not answer.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def show(self) -> BillingRead:
        """Return what the account pays for."""
        return self._read(BillingRead, self._transport.send("GET", "/v1/billing"))

    def checkout(self, wish: CheckoutCreate) -> LinkRead:
        """Return a page on which a plan is bought.

        Raises ConflictError if the account has a subscription.
        """
        return self._open("/v1/billing/checkout", wish.model_dump_json().encode())

    def portal(self) -> LinkRead:
        """Return a page on which subscriptions are managed.

        Raises ConflictError if the account has never bought anything.
        """
        return self._open("/v1/billing/portal", b"")

    def _open(self, path: str, content: bytes) -> LinkRead:
        answer = self._transport.request(
            "POST",
            path,
            NO_RETRY,
            content=content,
            headers={"Content-Type": "application/json"},
        )
        return self._read(LinkRead, self._transport.content(answer))

    def _read(self, kind: type[_Model], content: bytes) -> _Model:
        try:
            return kind.model_validate_json(content)
        except ValidationError:
            raise self._transport.not_promptvault() from None
