"""The frame of every change of a prompt: lock, one transaction, then its commits."""

import contextlib
from collections.abc import Iterator

from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.repository import Repository


@contextlib.contextmanager
def prompt_transaction(workspace: Workspace) -> Iterator[Repository]:
    """Run the block as one change: locked, committed, and then in the history."""
    with locked(workspace) as writer:
        with bulk_transaction(writer.connection):
            yield Repository(writer.connection, workspace.author(), workspace.now())
        writer.flush()
