"""The frame of every change: the lock, one transaction, then its git commits."""

import contextlib
from collections.abc import Iterator

from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.repository import Repository
from promptvault.vault.sync.team import require_editor


@contextlib.contextmanager
def prompt_transaction(workspace: Workspace) -> Iterator[Repository]:
    """Run the block in one locked transaction, and then write its commits to git.

    Raises VaultError, and PermissionDeniedError if the user may only read the vault. If
    git fails, the change stays saved and a warning is logged.
    """
    with locked(workspace) as writer:
        require_editor(writer.connection)
        with bulk_transaction(writer.connection):
            yield Repository(writer.connection, workspace.author(), workspace.now())
        writer.flush()
