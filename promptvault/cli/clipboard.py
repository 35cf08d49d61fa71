"""The system's clipboard."""

import pyperclip

from promptvault.errors import UnavailableError


def copy_text(text: str) -> None:
    """Put *text* on the clipboard; raises UnavailableError where there is none."""
    try:
        pyperclip.copy(text)
    except pyperclip.PyperclipException:
        raise UnavailableError(
            "There is no clipboard here (on Linux, xclip, xsel or wl-clipboard gives"
            " one)."
        ) from None
