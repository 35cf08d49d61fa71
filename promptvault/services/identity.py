"""The author of changes: from the settings, else from git's configuration."""

from promptvault.config import Settings
from promptvault.domain.prompt import Author
from promptvault.history.command import find_identity

_NOBODY = Author("PromptVault", "promptvault@localhost")


def find_author(settings: Settings) -> Author:
    """Return the author of changes made now."""
    name, email = settings["author.name"].value, settings["author.email"].value
    known = Author(name, email) if name and email else find_identity() or _NOBODY
    return Author(name or known.name, email or known.email)
