"""The URLs and host names by which a running server is reached."""

import ipaddress
import socket
from typing import NamedTuple

from promptvault.server.settings import Settings

_OUTSIDE = {
    socket.AF_INET: ("192.0.2.1", 9),
    socket.AF_INET6: ("2001:db8::1", 9),
}
"""Addresses reserved for documentation. No packet is sent to them."""


class ServerUrls(NamedTuple):
    """How browsers and devices reach a server; each URL is a scheme and a host."""

    url: str
    """For a browser on this machine."""
    public_url: str
    """For links in mails and in the output of commands."""
    names: frozenset[str]
    """Host names that an answer to a device may repeat, if the device used one of them.
    Empty if the operator has set ``public_url``."""


def find_urls(settings: Settings, listener: socket.socket, host: str) -> ServerUrls:
    """Return the URLs of the server on *listener*, which was started with *host*."""
    url = local_url(listener)
    if "public_url" in settings.model_fields_set:
        return ServerUrls(url, settings.public_url, frozenset())
    public_url = _url(listener, _outside_host(listener))
    return ServerUrls(url, public_url, _host_names(host))


def local_url(listener: socket.socket) -> str:
    """Return the URL for a browser on this machine."""
    host = listener.getsockname()[0]
    return _url(listener, {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))


def _url(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _outside_host(listener: socket.socket) -> str:
    """Return the address at which other machines reach the socket.

    If it listens on all addresses, take the one that the system would send from.
    Connecting a UDP socket asks the routing table for it and sends nothing.
    """
    host: str = listener.getsockname()[0]
    if not ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        return host
    try:
        with socket.socket(listener.family, socket.SOCK_DGRAM) as probe:
            probe.connect(_OUTSIDE[listener.family])
            found: str = probe.getsockname()[0]
            return found
    except OSError:  # only the loopback interface is up
        return "::1" if ":" in host else "127.0.0.1"


def _host_names(host: str) -> frozenset[str]:
    machine = socket.gethostname().lower()
    short = machine.partition(".")[0]
    own = {"localhost", "127.0.0.1", "::1", machine, short, f"{short}.local"}
    return frozenset(own | {host.lower()} - {"", "0.0.0.0", "::"})
