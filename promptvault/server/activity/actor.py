"""The person who makes a change, as the activity log names them."""

import ipaddress
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Request

from promptvault.server.guard import Authenticated
from promptvault.server.limit.service import network_of_request
from promptvault.server.session.repository import SignedIn


class Actor(NamedTuple):
    """A user, or the operator of the server."""

    user_id: UUID | None
    account_id: UUID | None
    email: str
    network: str | None = None
    """Where the request came from, None if that is not known."""


OPERATOR = Actor(None, None, "operator")


def _known_network(request: Request) -> str | None:
    """Return the network of a request, or None if its address is unknown."""
    network = network_of_request(request)
    try:
        return str(ipaddress.ip_network(network))
    except ValueError:
        return None


def actor_in_browser(request: Request, user: SignedIn) -> Actor:
    """Return the user who is signed in on pages."""
    network = _known_network(request)
    return Actor(user.user_id, user.account_id, user.email, network)


async def actor_of(request: Request, bearer: Authenticated) -> Actor:
    """Return the user of the request's token."""
    network = _known_network(request)
    return Actor(bearer.user_id, bearer.account_id, bearer.email, network)


CurrentActor = Annotated[Actor, Depends(actor_of)]
"""The user of the request's token, as an endpoint's parameter."""
