"""A server, as the rest of the program calls it."""

import time
from collections.abc import Callable
from typing import Self, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from promptvault.client.address import Address
from promptvault.client.failure import sign_in_failure
from promptvault.client.listening import Listener
from promptvault.client.patience import ONCE
from promptvault.client.synchronising import synchronise
from promptvault.client.transport import Traffic, Transport
from promptvault.wire.account import MeRead
from promptvault.wire.device import SignedInRead
from promptvault.wire.device_code import (
    CLIENT_ID,
    GRANT_TYPE,
    DeviceCodeRead,
    DeviceTokenRead,
)
from promptvault.wire.sync import SyncAnswer

_T = TypeVar("_T")

_ME = TypeAdapter(MeRead)
_SIGNED_IN = TypeAdapter(list[SignedInRead])
_CODE = TypeAdapter(DeviceCodeRead)
_TOKEN = TypeAdapter(DeviceTokenRead)


class Client:
    """Asks one server, as whoever the token belongs to or as nobody.

    Every method raises the error that the server tells of, as its class in `errors`,
    and UnavailableError where there is no answer or none of a PromptVault server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def me(self) -> MeRead:
        """Return who is signed in, what they may use, and what they do."""
        return self._read(_ME, self._transport.send("GET", "/v1/me"))

    @property
    def traffic(self) -> Traffic:
        """What this client has sent and received so far, repeats included."""
        return self._transport.traffic

    def sync(
        self, request: bytes, on_wait: Callable[[float], None] | None = None
    ) -> SyncAnswer:
        """Send a request of sync, which is JSON, and return the answer.

        It is sent again where the server is busy or the connection breaks off, for it
        may happen twice; *on_wait* is told the seconds before each wait. What did not
        fit the plan stands in the answer. Raises TooLargeError where the server takes
        less at once.
        """
        return synchronise(self._transport, request, on_wait)

    def events(self) -> Listener:
        """Return what tells of changes of others, from when it is first read."""
        return Listener(self._transport)

    def signed_in(self) -> list[SignedInRead]:
        """Return the devices and machines that are signed in as this user."""
        return self._read(_SIGNED_IN, self._transport.send("GET", "/v1/devices"))

    def sign_out(self, signed_in_id: UUID) -> None:
        """Sign a device out, or a machine; raises NotFoundError."""
        self._transport.send("DELETE", f"/v1/devices/{signed_in_id}")

    def revoke(self) -> None:
        """End the token of this client."""
        self._transport.send("DELETE", "/v1/token")

    def revoke_every(self) -> None:
        """End every token of this user's."""
        self._transport.send("DELETE", "/v1/tokens")

    def begin_sign_in(self, label: str, os: str) -> DeviceCodeRead:
        """Ask for a code that a person approves in a browser."""
        form = {"client_id": CLIENT_ID, "device_label": label, "device_os": os}
        content = self._transport.send("POST", "/v1/device/code", form=form)
        return self._read(_CODE, content)

    def end_sign_in(self, device_code: str) -> DeviceTokenRead:
        """Return the token of a code that was approved.

        Raises SignInPendingError, with the server's word on it, where it was not.
        """
        form = {
            "client_id": CLIENT_ID,
            "grant_type": GRANT_TYPE,
            "device_code": device_code,
        }
        answer = self._transport.ask("POST", "/v1/device/token", ONCE, form=form)
        refusal = sign_in_failure(answer.status, answer.content)
        if refusal is not None:
            raise refusal
        return self._read(_TOKEN, self._transport.content(answer))

    def _read(self, kind: TypeAdapter[_T], content: bytes) -> _T:
        try:
            return kind.validate_json(content)
        except ValidationError:
            raise self._transport.stranger() from None


def connect(
    address: Address,
    token: str | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Client:
    """Return a client of the server at *address*; nothing is sent yet."""
    return Client(Transport(address, token, sleep=sleep))
