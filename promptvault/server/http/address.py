"""The client's address, and the server's URL as the client knows it.

Both come from headers that a client can forge, so they are checked here.
"""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from fastapi import Request

_UNKNOWN = "unknown"
_CUSTOMER_BITS = 64
_NEIGHBOUR_BITS = 24
_CACHED_ADDRESSES = 4096
"""Entries of a cache: parsing an address takes one percent of a small sync."""


def visitor_address(request: Request, trusted_proxies: int) -> str:
    """Return the client's IP address as the outermost trusted proxy reports it.

    Entries of ``X-Forwarded-For`` further left are written by the client.
    """
    peer = request.client.host if request.client else _UNKNOWN
    header = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [*(hop.strip() for hop in header.split(",") if hop.strip()), peer]
    believed = hops[-1 - min(trusted_proxies, len(hops) - 1)]
    return _plain(believed) or _plain(peer) or _UNKNOWN


def visitor_network(request: Request, trusted_proxies: int) -> str:
    """Return the network that counts as one visitor: an IPv4 address or an IPv6 /64.

    One customer has all addresses of a /64, and could use each of them in turn.
    """
    return network_of(visitor_address(request, trusted_proxies))


@lru_cache(_CACHED_ADDRESSES)
def network_of(address: str) -> str:
    """Return the network of an address as in `visitor_network`, or "unknown"."""
    address = _plain(address) or _UNKNOWN
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, _CUSTOMER_BITS), strict=False))


def client_network(request: Request, trusted_proxies: int) -> str:
    """Return the network that a user signs in from: an IPv4 /24 or an IPv6 /64.

    Internet providers often change a customer's IPv4 address within such a network.
    """
    address = visitor_address(request, trusted_proxies)
    if address == _UNKNOWN:
        return address
    bits = _CUSTOMER_BITS if ":" in address else _NEIGHBOUR_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))


def advertised_origin(request: Request) -> str:
    """Return the server's URL for the answer to this request.

    It is ``public_url`` if the operator has set it. Otherwise it is the URL that the
    client used, if its host is a name of this server: the device's browser probably
    reaches the server in the same way. A client can send any host, so mails never
    contain this URL.
    """
    names: frozenset[str] = request.app.state.names
    host = request.headers.get("host", "")
    if names and _is_own_name(request, host, names):
        return f"http://{host.lower()}"
    public_url: str = request.app.state.settings.public_url
    return public_url


def _is_own_name(request: Request, host: str, names: frozenset[str]) -> bool:
    """Return True if *host* is one of *names*, or the address of the socket."""
    try:
        parts = urlsplit(f"http://{host}")
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.netloc != host or "@" in host:
        return False
    local, _ = request.scope.get("server") or ("", 0)
    return name in names or (_plain(name) is not None and _plain(name) == _plain(local))


@lru_cache(_CACHED_ADDRESSES)
def _plain(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
