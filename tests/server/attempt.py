"""Requests that contain the ids and secrets of another user."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from promptvault.wire.device_code import CLIENT_ID, GRANT_TYPE
from tests.server.route import Route, Slot
from tests.server.sync.conftest import beside, new
from tests.server.tenant import Tenant

GOOD = {
    "client_id": CLIENT_ID,
    "grant_type": GRANT_TYPE,
    "decision": "approved",
    "password": "not the password",
    "email": "eve@example.org",
    "user_code": "BBBB-BBBB",
    "device_label": "Eve's",
    "device_code": "none",
    "limit": "20",
    "pv-task": "optimize",
}
"""The value that a field must have for the others to be read."""

DISGUISES = ("user", "token", "token's hash", "session", "session's hash")
"""Another user's secrets that Eve also sends in place of her token or cookie."""

BEARER, COOKIE = Slot("header", "Authorization"), Slot("cookie", "promptvault")


@dataclass
class Attempt:
    """A request of Eve, and which ids of other users it contains."""

    values: dict[Slot, str]
    foreign: dict[Slot, str] = field(default_factory=dict)
    json: Any = None
    is_own: bool = False
    """Whether all ids in it are her own."""

    @property
    def is_by_id(self) -> bool:
        """Whether everything in it is identified by an id."""
        return all(map(_is_uuid, self.foreign.values()))

    def sent(self) -> list[str]:
        """Return every text in it, which the answer may repeat; longer ones first."""
        found = {*self.values.values(), *self.foreign.values()}
        found |= {text for _, text in _texts(self.json)}
        spellings = found | {quote(text) for text in found}
        # The short name of a team is made of its name.
        spellings |= {re.sub(r"[^a-z0-9]+", "-", text.lower()) for text in found}
        return sorted(spellings - {""}, key=len, reverse=True)


def attempts(route: Route, eve: Tenant, other: Tenant) -> Iterator[Attempt]:
    """Yield every request by which Eve can name something of *other* on a route."""
    slots, body = route.slots(), GOOD_BODIES.get(route.name)
    own = {slot: _own_value(slot, eve) for slot in slots}
    yield Attempt(own, {}, body, is_own=True)
    for kind in DISGUISES:
        value = other.objects[kind]
        is_api = route.path.startswith("/v1/")
        yield Attempt(own, {BEARER: f"Bearer {value}"} if is_api else {COOKIE: value})
    for value in other.objects.values():
        naming = (slot for slot in slots if slot.name != "password")
        yield from (Attempt(own, {slot: value}, body) for slot in naming)
        if route.name in BODIES:
            bodies = BODIES[route.name](eve, other, value)
            yield from (Attempt(own, {}, each) for each in bodies)
    named = {slot: other.objects.get(_kind(slot), "") for slot in slots}
    yield Attempt(own, {slot: value for slot, value in named.items() if value}, body)


def _own_value(slot: Slot, eve: Tenant) -> str:
    if slot.where == "path":
        return eve.objects[_kind(slot)]
    return GOOD.get(slot.name, "")


def _kind(slot: Slot) -> str:
    return slot.name.removesuffix("_id")


def sync_bodies(eve: Tenant, other: Tenant, value: str) -> Iterator[Any]:
    """Yield requests of sync with *value* in each place for an id."""
    for vault in (eve.objects["vault"], other.objects["vault"]):
        places = [place for place, text in _texts(_request(vault)) if _is_uuid(text)]
        for place in places if _is_uuid(value) and value != vault else ():
            body = _request(vault)
            _put(body, place, value)
            yield body


def clerk_bodies(_eve: Tenant, _other: Tenant, value: str) -> Iterator[Any]:
    """Yield an event about a user, without a valid signature."""
    yield {"type": "user.deleted", "data": {"id": value, "deleted": True}}


def share_bodies(eve: Tenant, other: Tenant, value: str) -> Iterator[Any]:
    """Yield requests for a share with *value* in each place for an id."""
    wish = {"vault": eve.objects["vault"], "item": eve.objects["item"]}
    for name in ("vault", "item", "version"):
        version = {"mode": "version", "version": eve.objects["version"]}
        yield {**wish, **version, name: value}
    yield {
        "vault": other.objects["vault"],
        "item": other.objects["item"],
        "mode": "current",
        "label": None,
    }


def body_with(**values: Any) -> Callable[[Tenant, Tenant, str], Iterator[Any]]:
    """Return a function that yields bodies with a value in place of each None."""

    def bodies(_eve: Tenant, _other: Tenant, value: str) -> Iterator[Any]:
        yield {name: value if text is None else text for name, text in values.items()}

    return bodies


BODIES = {
    "create_share": share_bodies,
    "sync": sync_bodies,
    "receive_clerk_event": clerk_bodies,
    "create_checkout": body_with(plan=None),
    "create_team": body_with(name=None),
    "update_team": body_with(name=None, slug=None),
    "delete_team": body_with(confirm=None),
    "create_invitation": body_with(email=None),
    "accept_invitation": body_with(token=None),
}
"""Values that the JSON of a route may have."""

GOOD_BODIES = {
    "update_team": {"name": "Eve's"},
    "delete_team": {"confirm": "not the name"},
    "change_role": {"role": "viewer"},
    "create_invitation": {"link": True},
}
"""JSON for attempts that name something outside of it."""


def _request(vault: str) -> dict[str, Any]:
    """Return a request with something in each place that takes an id."""
    head = new("of eve", chain=[str(uuid4())], resolves=[str(uuid4())])
    head["payload"]["labels"] = {"production": head["versions"][0]["id"]}
    side = beside(head, "of eve", resolves=[str(uuid4())])
    resolve = {"kind": "resolve", "item": head["item"], "rev": str(uuid4())}
    push = [head, side, {**resolve, "resolves": [side["rev"]]}]
    head["base"] = str(uuid4())
    cursor = {"epoch": str(uuid4()), "seq": 0}
    vaults = [
        {"id": vault, "cursor": {}, "push": push},
        {"id": str(uuid4()), "cursor": cursor},
    ]
    return {"proto": 1, "device": str(uuid4()), "vaults": vaults}


def _texts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in [*pairs]:
            yield from _texts(each, (*place, key))


def _put(value: Any, place: tuple[Any, ...], text: str) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = text


def _is_uuid(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return str(UUID(text)) == text
    return False
