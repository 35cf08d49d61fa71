"""The person's name and address as their git has them."""

import re

import git

from promptvault.domain.prompt import Author


def find_identity() -> Author | None:
    """Return what git would sign a commit with, None where it cannot tell."""
    try:
        identity = str(git.Git().execute(["git", "var", "GIT_AUTHOR_IDENT"]))
    except git.exc.CommandError:
        return None
    match = re.match(r"(.*) <(.*)> \d+ [+-]\d{4}$", identity)
    return Author(match[1], match[2]) if match and match[1] else None
