"""Where a request comes from and what it calls the server, as far as both can be
believed."""

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

_UNKNOWN = "unknown"
_CUSTOMER_BITS = 64
_NEIGHBOUR_BITS = 24


def visitor_address(request: Request, trusted_proxies: int) -> str:
    """Return the visitor's IP address, as the outermost trusted proxy saw it.

    What stands further left in ``X-Forwarded-For`` is whatever the visitor wrote.
    """
    peer = request.client.host if request.client else _UNKNOWN
    header = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [*(hop.strip() for hop in header.split(",") if hop.strip()), peer]
    believed = hops[-1 - min(trusted_proxies, len(hops) - 1)]
    return _plain(believed) or _plain(peer) or _UNKNOWN


def visitor_network(request: Request, trusted_proxies: int) -> str:
    """Return what stands for one visitor: an IPv4 address, or a /64 of IPv6.

    One customer has all addresses of such a network, and could take each in turn.
    """
    return network_of(visitor_address(request, trusted_proxies))


def network_of(address: str) -> str:
    """Return what counts as one visitor of an address; "unknown" if it is none."""
    address = _plain(address) or _UNKNOWN
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, _CUSTOMER_BITS), strict=False))


def client_network(request: Request, trusted_proxies: int) -> str:
    """Return the network that a person signs in from: a /24 of IPv4, a /64 of IPv6.

    Providers give the same customer another IPv4 address of the same network each day.
    """
    address = visitor_address(request, trusted_proxies)
    if address == _UNKNOWN:
        return address
    bits = _CUSTOMER_BITS if ":" in address else _NEIGHBOUR_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))


def advertised_origin(request: Request) -> str:
    """Return the address of the server to tell the client that asks.

    Without an address that the operator set, it is the one that the client itself used,
    if the server goes by that name: a device and its browser may both reach it so. Any
    other name a client may have made up. Only its own answers may hold it, never mail.
    """
    names: frozenset[str] = request.app.state.names
    host = request.headers.get("host", "")
    if names and _goes_by(request, host, names):
        return f"http://{host.lower()}"
    public_url: str = request.app.state.settings.public_url
    return public_url


def _goes_by(request: Request, host: str, names: frozenset[str]) -> bool:
    """Tell whether *host* is one of *names*, or the address that was connected to."""
    try:
        parts = urlsplit(f"http://{host}")
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.netloc != host or "@" in host:
        return False
    local, _ = request.scope.get("server") or ("", 0)
    return name in names or (_plain(name) is not None and _plain(name) == _plain(local))


def _plain(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
