"""Opening a page in the user's browser."""

import sys
import webbrowser


def open_page(url: str) -> bool:
    """Open *url* if stderr is a terminal; return True if a browser was started.

    Only http and https URLs are opened, because the URL comes from a server.
    """
    if not (sys.stderr.isatty() and url.startswith(("https://", "http://"))):
        return False
    return webbrowser.open(url)
