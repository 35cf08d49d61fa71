"""The requests about what an account pays for, one method each."""

from promptvault.client.transport import Transport
from promptvault.wire.billing import BillingRead, CheckoutCreate, LinkRead


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
        content = self._transport.send("GET", "/v1/billing")
        return self._transport.parsed(BillingRead.model_validate_json, content)

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

    def _open(self, path: str, body: bytes) -> LinkRead:
        content = self._transport.send_json("POST", path, body)
        return self._transport.parsed(LinkRead.model_validate_json, content)
