"""The frame of every change of a prompt: lock, one transaction, then its commits."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace

if TYPE_CHECKING:
    from promptvault.vault.repository import Repository


@contextlib.contextmanager
def writing(workspace: Workspace) -> Iterator["Repository"]:
    """Run the block as one change: locked, committed, and then in the history."""
    # SQLModel takes a quarter of a second to import, and Tab on `edit` needs this
    # module, too.
    from promptvault.vault.engine import transaction
    from promptvault.vault.repository import Repository

    with locked(workspace) as writer:
        with transaction(writer.connection) as session:
            yield Repository(session, workspace.author(), workspace.now())
        writer.flush()
