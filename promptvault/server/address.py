"""Where a request comes from, as far as it can be believed."""

import ipaddress

from fastapi import Request

_UNKNOWN = "unknown"
_CUSTOMER_BITS = 64


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


def _plain(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
