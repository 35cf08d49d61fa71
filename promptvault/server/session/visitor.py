"""Who comes to a page: an address, its network, and the browser's name for people."""

from typing import NamedTuple

_BROWSERS = (
    # Most of them also claim to be the ones further down.
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
    """Where a request to a page comes from."""

    ip: str
    network: str
    """A /24 of IPv4 or a /64 of IPv6."""
    browser: str
    """Such as "Firefox on Linux"; empty if the request does not say."""


def browser_name(user_agent: str) -> str:
    """Return what to call the browser that sends this ``User-Agent``."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    return " on ".join(filter(None, (browser, system)))


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in names if mark in text), "")
