"""The visitor of a page: an address, its network, and a readable browser name."""

from typing import NamedTuple

_BROWSERS = (
    # Most browsers also send the names of those further down.
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class Visitor(NamedTuple):
    """The origin of a request for a page."""

    ip: str
    network: str
    """A /24 of IPv4 or a /64 of IPv6."""
    browser: str
    """Such as "Firefox on Linux"; empty if it is not known."""


def browser_name(user_agent: str) -> str:
    """Return a readable name for a ``User-Agent``; empty if it is not known."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    return " on ".join(filter(None, (browser, system)))


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in names if mark in text), "")
