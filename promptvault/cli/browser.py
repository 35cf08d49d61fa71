"""Opening a page in the person's browser."""

import sys
import webbrowser


def open_page(url: str) -> bool:
    """Open *url* if there are a person and a browser; tell whether it was done.

    Anything but a page of the web is left alone: the address comes from a server.
    """
    if not (sys.stderr.isatty() and url.startswith(("https://", "http://"))):
        return False
    return webbrowser.open(url)
