"""The vault locked for one writer, and the commits that follow its changes."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from promptvault.errors import NotFoundError, PromptVaultError
from promptvault.history.feed import Feed, FileChange, NewCommit
from promptvault.history.repository import History
from promptvault.home import PERSONAL
from promptvault.paths import Paths
from promptvault.services.workspace import Workspace
from promptvault.vault import outbox
from promptvault.vault.database import connected, refuse_lost
from promptvault.vault.lock import exclusive
from promptvault.vault.sync.pending import is_ahead
from promptvault.vault.sync.team import require_member

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Writer:
    """The vault, locked for this process."""

    workspace: Workspace
    connection: sqlite3.Connection
    lock: int
    _recovered: bool = False

    def recover(self) -> None:
        """Write the commits that a killed command left; `flush` reports a failure.

        Until this succeeded, `flush` looks for commits that git has already.
        """
        history = History(self.workspace.paths.history)
        with contextlib.suppress(PromptVaultError):
            flush(self.connection, history, self.lock, recover=True)
            self._recovered = True

    def flush(self, feed: Feed | None = None) -> None:
        """Write the pending commits to git, or log a warning if that fails.

        The database keeps the changes if git fails; the next command tries again.
        """
        history = History(self.workspace.paths.history)
        try:
            recover = not self._recovered
            flush(self.connection, history, self.lock, recover=recover, feed=feed)
        except PromptVaultError as error:
            _logger.warning("Saved, but the history has to wait: %s", error)

    @contextlib.contextmanager
    def feed(self) -> Iterator[Feed | None]:
        """Yield a feed that sends files to git early, None if git fails."""
        history = History(self.workspace.paths.history)
        try:
            feed = history.feed(self.lock)
        except PromptVaultError:  # `flush` at the end reports it
            yield None
            return
        with feed:
            yield feed


@contextlib.contextmanager
def locked(workspace: Workspace, *, even_if_left: bool = False) -> Iterator[Writer]:
    """Lock the vault for writing, after the commits that a killed command left.

    Raises VaultError; NotFoundError if a team's vault is no longer on this device,
    PermissionDeniedError if the user has left the team, unless *even_if_left*.
    """
    paths = workspace.paths
    _require_there(paths)
    with exclusive(paths.lock, workspace.on_wait) as lock:
        _require_there(paths)  # it may have been renamed or deleted in the meantime
        refuse_lost(paths.database, paths.history)
        with connected(paths.database) as connection:
            if paths.vault != PERSONAL and not even_if_left:
                require_member(connection)
            writer = Writer(workspace, connection, lock)
            writer.recover()
            yield writer
            is_to_be_sent = not even_if_left and is_ahead(connection)
    if is_to_be_sent:
        workspace.on_change(paths)


def _require_there(paths: Paths) -> None:
    if paths.vault != PERSONAL and not paths.database.exists():
        raise NotFoundError(
            f"There is no vault {paths.vault!r} on this device:"
            " 'promptvault vaults list'."
        )


def flush(
    connection: sqlite3.Connection,
    history: History,
    lock: int,
    *,
    recover: bool = False,
    feed: Feed | None = None,
) -> None:
    """Write every commit in the outbox to git, oldest first, with one process.

    With *recover*, commits that git has already are recognized by the change id in
    their message: a killed command may have written them. A given *feed* has received
    files before. Raises VaultError.
    """
    pending = outbox.read_pending(connection)
    if not pending:
        return
    known = history.commits_of([c.id for c in pending]) if recover else {}
    made = {c.key: known[c.id] for c in pending if c.id in known}
    missing = [c for c in pending if c.key not in made]
    if missing:
        with feed or history.feed(lock) as open_feed:
            for commit in missing:
                open_feed.commit(_change(connection, commit, open_feed.last_mark))
            commits = open_feed.finish()
        made |= {c.key: id_ for c, id_ in zip(missing, commits, strict=True)}
    outbox.complete(connection, made)


def _change(
    connection: sqlite3.Connection, commit: outbox.PendingCommit, sent: int
) -> NewCommit:
    files = (
        FileChange(
            file.path,
            file.text,
            file.key if file.has_content and file.key <= sent else None,
        )
        for file in outbox.read_files(connection, commit, sent)
    )
    return NewCommit(commit.id, commit.author, commit.message, commit.created_at, files)
