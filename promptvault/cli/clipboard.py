"""The system's clipboard."""

import pyperclip

from promptvault.errors import UnavailableError


def copy_text(text: str) -> None:
    """Copy *text* to the clipboard; raises UnavailableError if there is none."""
    try:
        pyperclip.copy(text)
    except pyperclip.PyperclipException:
        raise UnavailableError(
            "There is no clipboard here (on Linux, install xclip, xsel or"
            " wl-clipboard)."
        ) from None
