"""The vault held by one writer, with the history brought up before and after."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from promptvault.errors import PromptVaultError
from promptvault.history.feed import Feed, FileChange, NewCommit
from promptvault.history.repository import History
from promptvault.services.workspace import Workspace
from promptvault.vault import outbox
from promptvault.vault.database import connected, refuse_lost
from promptvault.vault.lock import exclusive
from promptvault.vault.sync.pending import is_ahead

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Writer:
    """The vault, locked for this process alone."""

    workspace: Workspace
    connection: sqlite3.Connection
    lock: int
    _recovered: bool = False

    def recover(self) -> None:
        """Finish what a killed command left undone; the next `flush` tells of failure.

        Until this has worked, no commit may be made without asking what stands.
        """
        history = History(self.workspace.paths.history)
        with contextlib.suppress(PromptVaultError):
            flush(self.connection, history, self.lock, recover=True)
            self._recovered = True

    def flush(self, feed: Feed | None = None) -> None:
        """Make the commits that the history still lacks, or warn that they wait.

        What is saved stays saved when git fails; the next command tries again.
        """
        history = History(self.workspace.paths.history)
        try:
            recover = not self._recovered
            flush(self.connection, history, self.lock, recover=recover, feed=feed)
        except PromptVaultError as error:
            _logger.warning("Saved, but the history has to wait: %s", error)

    @contextlib.contextmanager
    def feed(self) -> Iterator[Feed | None]:
        """Let git take files while the vault still writes; None where git fails."""
        history = History(self.workspace.paths.history)
        try:
            feed = history.feed(self.lock)
        except PromptVaultError:  # the flush at the end will tell
            yield None
            return
        with feed:
            yield feed


@contextlib.contextmanager
def locked(workspace: Workspace) -> Iterator[Writer]:
    """Hold the vault for writing; finishes what a killed command left undone."""
    paths = workspace.paths
    with exclusive(paths.lock, workspace.on_wait) as lock:
        refuse_lost(paths.database, paths.history)
        with connected(paths.database) as connection:
            writer = Writer(workspace, connection, lock)
            writer.recover()
            yield writer
            is_to_be_sent = is_ahead(connection)
    if is_to_be_sent:
        workspace.on_change()


def flush(
    connection: sqlite3.Connection,
    history: History,
    lock: int,
    *,
    recover: bool = False,
    feed: Feed | None = None,
) -> None:
    """Make every commit in the outbox, oldest first, with one git process.

    With *recover*, commits that stand already are recognised by the change id in
    their message: a killed command may have got as far as that. A *feed* has been sent
    files already.
    """
    waiting = outbox.read_pending(connection)
    if not waiting:
        return
    standing = history.commits_of([c.id for c in waiting]) if recover else {}
    made = {c.key: standing[c.id] for c in waiting if c.id in standing}
    missing = [c for c in waiting if c.key not in made]
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
