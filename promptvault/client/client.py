"""The requests to a PromptVault server, one method each."""

import time
from collections.abc import Callable, Iterator
from typing import Self, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import zstandard
from pydantic import TypeAdapter, ValidationError

from promptvault.client.address import Address
from promptvault.client.billing import BillingClient
from promptvault.client.event_listener import EventListener
from promptvault.client.request_error import sign_in_error
from promptvault.client.retry import NO_RETRY, RETRY_SYNC
from promptvault.client.team import TeamClient
from promptvault.client.transport import Traffic, Transport
from promptvault.errors import NotFoundError, UnknownRouteError
from promptvault.wire.account import MeRead
from promptvault.wire.ai import AiUsageRead
from promptvault.wire.device import SignedInRead
from promptvault.wire.device_code import (
    CLIENT_ID,
    GRANT_TYPE,
    MANAGE_SCOPE,
    DeviceCodeRead,
    DeviceTokenRead,
)
from promptvault.wire.share import ShareCreate, ShareRead, SharesRead
from promptvault.wire.sync import SyncAnswer
from promptvault.wire.vault import VaultsRead

_T = TypeVar("_T")

_ME = TypeAdapter(MeRead)
_SIGNED_IN = TypeAdapter(list[SignedInRead])
_CODE = TypeAdapter(DeviceCodeRead)
_TOKEN = TypeAdapter(DeviceTokenRead)
_AI_USAGE = TypeAdapter(AiUsageRead)
_SHARE = TypeAdapter(ShareRead)
_SHARES = TypeAdapter(SharesRead)
_SYNC = TypeAdapter(SyncAnswer)
_VAULTS = TypeAdapter(VaultsRead)

_OK, _OVER_THE_LIMIT = 200, 402
_LEVEL = 3
"""Compression of requests: 100,000 prompts of 1 KB become 50 MB in 0.6 s. gzip makes 58
to 66 MB of them, in 3 s."""


class Client:
    """Sends requests to one server, with a token or without one.

    Every method raises the error that the server reports, as its class in `errors`, and
    UnavailableError if there is no answer or not one of a PromptVault server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def me(self) -> MeRead:
        """Return the user, the limits of the plan, and the usage."""
        return self._read(_ME, self._transport.send("GET", "/v1/me"))

    def ai_usage(self) -> AiUsageRead | None:
        """Return what the account used of the server's model this month.

        None if the server has no model.
        """
        try:
            content = self._transport.send("GET", "/v1/ai/usage")
        except (NotFoundError, UnknownRouteError):
            return None
        return self._read(_AI_USAGE, content)

    def vaults(self) -> VaultsRead:
        """Return the user's vaults, as devices must know them."""
        return self._read(_VAULTS, self._transport.send("GET", "/v1/vaults"))

    @property
    def traffic(self) -> Traffic:
        """What this client has sent and received, including repeated requests."""
        return self._transport.traffic

    @property
    def teams(self) -> TeamClient:
        """The requests about teams."""
        return TeamClient(self._transport)

    @property
    def billing(self) -> BillingClient:
        """The requests about billing."""
        return BillingClient(self._transport)

    def sync(
        self, request: bytes, on_wait: Callable[[float], None] | None = None
    ) -> SyncAnswer:
        """Send a `wire.sync.SyncRequest` as JSON and return the answer.

        The request is idempotent: it is sent again if the server is busy or the
        connection breaks off. *on_wait* is called with the seconds before each wait.
        An answer 402 is returned too: it says which changes exceed the plan. Raise
        TooLargeError if the server accepts only a smaller request.
        """
        # The checksum lets the server notice a damaged body.
        compressor = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
        answer = self._transport.request(
            "POST",
            "/v1/sync",
            RETRY_SYNC,
            content=compressor.compress(request),
            headers={"Content-Type": "application/json", "Content-Encoding": "zstd"},
            on_wait=on_wait,
        )
        if answer.status not in {_OK, _OVER_THE_LIMIT}:
            raise self._transport.error(answer)
        try:
            return _SYNC.validate_json(answer.content)
        except ValidationError:
            if answer.status == _OVER_THE_LIMIT:
                raise self._transport.error(answer) from None
            raise self._transport.not_promptvault() from None

    def events(self) -> EventListener:
        """Return the server's events; it connects when the first one is read."""
        return EventListener(self._transport)

    def signed_in(self) -> list[SignedInRead]:
        """Return the devices and machines that are signed in as this user."""
        return self._read(_SIGNED_IN, self._transport.send("GET", "/v1/devices"))

    def sign_out(self, signed_in_id: UUID) -> None:
        """Sign a device or a machine out; raise NotFoundError."""
        self._transport.send("DELETE", f"/v1/devices/{signed_in_id}")

    def create_share(self, wanted: ShareCreate) -> ShareRead:
        """Make a share of a prompt that the server has."""
        body = wanted.model_dump_json(exclude_unset=True).encode()
        content = self._transport.send_json("POST", "/v1/shares", body)
        return self._read(_SHARE, content)

    def shares(self, *, ended: bool = False) -> Iterator[ShareRead]:
        """Yield the shares that this user manages, the newest first.

        They are those that have ended, or the others.
        """
        query = {"ended": "true" if ended else "false"}
        while True:
            path = f"/v1/shares?{urlencode(query)}"
            page = self._read(_SHARES, self._transport.send("GET", path))
            yield from page.items
            if page.next is None:
                return
            query["before"] = page.next

    def revoke_share(self, share_id: UUID) -> None:
        """End a share; raise NotFoundError."""
        self._transport.send("DELETE", f"/v1/shares/{share_id}")

    def revoke(self) -> None:
        """Revoke the token of this client."""
        self._transport.send("DELETE", "/v1/token")

    def revoke_all(self) -> None:
        """Revoke all tokens of this user."""
        self._transport.send("DELETE", "/v1/tokens")

    def begin_sign_in(
        self, label: str, os: str, *, manage: bool = False
    ) -> DeviceCodeRead:
        """Request a device code, which the user approves in a browser (RFC 8628).

        With *manage*, also ask for the right to manage teams.
        """
        form = {"client_id": CLIENT_ID, "device_label": label, "device_os": os}
        if manage:
            form["scope"] = MANAGE_SCOPE
        content = self._transport.send("POST", "/v1/device/code", form=form)
        return self._read(_CODE, content)

    def end_sign_in(self, device_code: str) -> DeviceTokenRead:
        """Return the token for an approved code.

        Raise SignInPendingError, with the server's code, if it is not approved.
        """
        form = {
            "client_id": CLIENT_ID,
            "grant_type": GRANT_TYPE,
            "device_code": device_code,
        }
        answer = self._transport.request(
            "POST", "/v1/device/token", NO_RETRY, form=form
        )
        refusal = sign_in_error(answer.status, answer.content)
        if refusal is not None:
            raise refusal
        return self._read(_TOKEN, self._transport.content(answer))

    def _read(self, kind: TypeAdapter[_T], content: bytes) -> _T:
        return self._transport.parsed(kind.validate_json, content)


def connect(
    address: Address,
    token: str | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Client:
    """Return a client of the server at *address*; no request is sent yet."""
    return Client(Transport(address, token, sleep=sleep))
