"""What a running server is called: in links, and to the devices that find it."""

import ipaddress
import socket
from typing import NamedTuple

from promptvault.server.settings import Settings

_ELSEWHERE = {
    socket.AF_INET: ("192.0.2.1", 9),
    socket.AF_INET6: ("2001:db8::1", 9),
}
"""Addresses of documentation, to which nothing is ever sent."""


class Naming(NamedTuple):
    """The addresses of a server."""

    url: str
    """Where a browser on this machine finds it."""
    public_url: str
    """What stands in links that are mailed or printed."""
    names: frozenset[str]
    """By which host names a device may be told of it, if it came by one of them; empty
    if the operator has set the address."""


def naming(settings: Settings, listener: socket.socket, host: str) -> Naming:
    """Return what to call the server that listens on *listener*, told to be *host*."""
    url = address_of(listener)
    if "public_url" in settings.model_fields_set:
        return Naming(url, settings.public_url, frozenset())
    return Naming(url, _address(listener, _seen_from_outside(listener)), _names(host))


def address_of(listener: socket.socket) -> str:
    """Return where a browser on this machine finds the server."""
    host = listener.getsockname()[0]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return _address(listener, here)


def _address(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _seen_from_outside(listener: socket.socket) -> str:
    """Return where other machines find a socket that listens on all addresses.

    The route to elsewhere says by which address this machine would go there; to ask for
    it sends nothing.
    """
    host: str = listener.getsockname()[0]
    if not ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        return host
    try:
        with socket.socket(listener.family, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE[listener.family])
            found: str = probe.getsockname()[0]
            return found
    except OSError:  # no network but this machine's own
        return "::1" if ":" in host else "127.0.0.1"


def _names(host: str) -> frozenset[str]:
    machine = socket.gethostname().lower()
    short = machine.partition(".")[0]
    own = {"localhost", "127.0.0.1", "::1", machine, short, f"{short}.local"}
    return frozenset(own | {host.lower()} - {"", "0.0.0.0", "::"})
