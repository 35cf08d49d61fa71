"""Keeping this vault and its server equal: requests, answers, and what came of them."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from promptvault.errors import TooLargeError, UnavailableError
from promptvault.history.text_merge import merge_text
from promptvault.services.locking import locked
from promptvault.services.prompts.template_syntax import is_valid_template
from promptvault.services.read_ahead import batched, read_ahead
from promptvault.services.workspace import Workspace
from promptvault.vault import outbox
from promptvault.vault.database import bulk_transaction, open_read_only
from promptvault.vault.sync.change import has_changes
from promptvault.vault.sync.link import Link, get_link
from promptvault.vault.sync.prompt_writer import MissingVersionError
from promptvault.vault.sync.pull import (
    Scribe,
    Taken,
    hold_back,
    prepare,
    read_anew,
    take_in,
)
from promptvault.vault.sync.push import (
    Outgoing,
    Room,
    count_outgoing,
    has_new_imports,
    has_outgoing,
    outgoing,
)
from promptvault.vault.sync.status import Standing, standing
from promptvault.wire.sync import PROTO, Limits, SyncAnswer, VaultAnswer

Exchange = Callable[[bytes], SyncAnswer]
"""Sends a request, which is JSON, and returns the answer."""

_GROUP = 5000
"""Changes, or versions in them, that are taken in together: each time costs as much as
a thousand of them."""

_MOST_IDLE_ROUNDS = 5
"""In a row, in which neither side gets any further."""


class Direction(NamedTuple):
    """Which ways a sync goes."""

    push: bool = True
    pull: bool = True


@dataclass(slots=True)
class Progress:
    """How far a sync is."""

    pushed: int = 0
    to_push: int = 0
    received: int = 0
    """Changes that have come; they are taken in a little later."""
    to_receive: int | None = None
    """Prompts on the server where all of them are read, None while not known."""


@dataclass(slots=True)
class SyncReport:
    """What a sync did, and where the vault stands after it."""

    taken: Taken = field(default_factory=Taken)
    round_trips: int = 0
    standing: Standing = field(default_factory=Standing)


def synchronise(
    workspace: Workspace,
    exchange: Exchange,
    direction: Direction = Direction(),  # noqa: B008 - it never changes
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> SyncReport:
    """Send what has changed here and take in what others have changed.

    Whatever stops it, nothing is lost and nothing half done: the next one goes on.
    Raises what *exchange* raises, PermissionDeniedError where the vault is not the
    user's any more, and VaultError.
    """
    return _Sync(workspace, exchange, direction, on_progress).run()


@contextlib.contextmanager
def snapshot(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """Yield the vault for reading, as it is in this moment."""
    paths = workspace.paths
    connection = open_read_only(paths.database, paths.usage)
    with contextlib.closing(connection):
        connection.execute("BEGIN")
        yield connection


class _Sync:
    """A sync under way."""

    def __init__(
        self,
        workspace: Workspace,
        exchange: Exchange,
        direction: Direction,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._workspace, self._exchange = workspace, exchange
        self._direction, self._on_progress = direction, on_progress
        self._report = SyncReport()
        self._progress = Progress()
        self._room = Room()
        self._rereads = 0
        self._beginnings = 0
        self._idle_rounds = 0
        self._reads_all = False

    def run(self) -> SyncReport:
        """Go round until both sides are equal."""
        self._recover()
        self._read_before_imports()
        while self._round():
            pass
        with snapshot(self._workspace) as connection:
            self._report.standing = standing(connection)
        return self._report

    def _recover(self) -> None:
        """Commit what a sync that was killed has left, which may be the last to write.

        Where nothing waits, nothing is locked.
        """
        with snapshot(self._workspace) as connection:
            is_waiting = bool(outbox.read_pending(connection))
        if is_waiting:
            with locked(self._workspace) as writer:
                writer.flush()

    def _read_before_imports(self) -> None:
        """Read before what was imported is sent, as others may have the same file.

        What has arrived before it is sent is there once; see `vault.sync.twin`.
        """
        self._prepare()
        with snapshot(self._workspace) as connection:
            is_first = get_link(
                connection
            ).is_catching_up  # which reads before it sends
            if is_first or not has_new_imports(connection):
                return
        direction = self._direction
        self._direction = direction._replace(push=False)
        while self._round():
            pass
        self._direction = direction

    def _round(self) -> bool:
        """Send one request and take in its answer; returns whether there is more."""
        self._prepare()
        link, sent = self._collect()
        if link.is_catching_up:
            return self._catch_up(link)
        answer = self._ask(link, sent)
        if answer is None:
            return True
        if not _is_news(link, sent, answer):
            return False
        self._take_in(sent, [answer])
        self._refuse_to_turn_in_circles(sent, answer)
        return self._goes_on(answer)

    def _catch_up(self, link: Link) -> bool:
        """Read all that the server has, some pages ahead; nothing is sent meanwhile."""
        self._beginnings += 1
        if self._beginnings > _MOST_IDLE_ROUNDS:
            raise UnavailableError("The server begins anew for ever: try later.")
        answer = None
        with contextlib.closing(read_ahead(self._pages(link))) as pages:
            for group in batched(pages, _GROUP, _weight):
                answer = group[-1]
                if self._take_in(Outgoing(), group).reread:
                    break
        return answer is not None and self._goes_on(answer)

    def _pages(self, link: Link) -> Iterator[VaultAnswer]:
        more = True
        while more:
            answer = self._ask(link, Outgoing())
            assert answer is not None
            yield answer
            more = answer.status == "ok" and answer.more
            if more and not answer.feed:
                raise UnavailableError("The server's answer makes no sense: try again.")
            if answer.cursor:
                link = link.at(answer.cursor, answer.mark)

    def _prepare(self) -> None:
        """Give what has changed its revisions; where nothing has, nothing is locked."""
        with snapshot(self._workspace) as connection:
            changed = has_changes(connection)
        if changed and self._direction.push:
            with locked(self._workspace) as writer:
                with bulk_transaction(writer.connection):
                    prepare(writer.connection, self._scribe())
                writer.flush()

    def _scribe(self) -> Scribe:
        workspace = self._workspace
        return Scribe(
            workspace.author(), workspace.now(), merge_text, is_valid_template
        )

    def _collect(self) -> tuple[Link, Outgoing]:
        with snapshot(self._workspace) as connection:
            link = get_link(connection)
            self._reads_all = self._reads_all or link.epoch is None
            if link.is_catching_up or not self._direction.push:
                return link, Outgoing()
            if not self._progress.to_push:
                self._progress.to_push = count_outgoing(connection)
            return link, outgoing(connection, self._room)

    def _ask(self, link: Link, sent: Outgoing) -> VaultAnswer | None:
        """Return the answer of the vault, None where less is to be sent at once."""
        self._report.round_trips += 1
        try:
            answer = self._exchange(_request(link, sent))
        except TooLargeError:
            self._make_smaller(sent)
            return None
        self._room = _room(answer.limits, self._room)
        found = [each for each in answer.vaults if str(each.id) == link.vault]
        if len(found) != 1:
            raise UnavailableError("The server answers for another vault: try again.")
        self._tell_of(found[0])
        return found[0]

    def _tell_of(self, answer: VaultAnswer) -> None:
        self._progress.received += len(answer.feed)
        if self._reads_all and answer.quota:
            self._progress.to_receive = answer.quota.used
        self._on_progress(self._progress)

    def _make_smaller(self, sent: Outgoing) -> None:
        """Send less at once, or hold back what is too large by itself."""
        if len(sent.changes) > 1:
            half = len(sent.changes) // 2
            smaller = max(1, self._room.bytes // 2)
            self._room = self._room._replace(changes=half, bytes=smaller)
            return
        if not sent.changes:
            raise UnavailableError("The server takes no request at all: try later.")
        with locked(self._workspace) as writer, bulk_transaction(writer.connection):
            hold_back(writer.connection, sent)

    def _take_in(self, sent: Outgoing, answers: Sequence[VaultAnswer]) -> Taken:
        with locked(self._workspace) as writer:
            try:
                with bulk_transaction(writer.connection):
                    scribe = self._scribe()
                    taken = take_in(writer.connection, sent, answers, scribe)
            except MissingVersionError:
                taken = Taken(reread=True)
            if taken.reread:
                self._read_anew(writer.connection)
            writer.flush()
        self._note(taken)
        return taken

    def _read_anew(self, connection: sqlite3.Connection) -> None:
        self._rereads += 1
        if self._rereads > 1:
            raise UnavailableError(
                "What the server tells does not fit together, although everything was"
                " read anew; nothing here was lost."
            )
        with bulk_transaction(connection):
            read_anew(connection)

    def _note(self, taken: Taken) -> None:
        self._report.taken.add(taken)
        self._progress.pushed = self._report.taken.pushed
        self._on_progress(self._progress)

    def _refuse_to_turn_in_circles(self, sent: Outgoing, answer: VaultAnswer) -> None:
        settled = {"ok"}
        if not _has_room(answer):  # what was refused is held back, not sent once more
            settled |= {"quota", "too_large", "forbidden"}
        idle = not (answer.feed or any(each.r in settled for each in answer.results))
        self._idle_rounds = self._idle_rounds + 1 if idle else 0
        if self._idle_rounds > _MOST_IDLE_ROUNDS:
            raise UnavailableError("The server takes none of the changes: try later.")

    def _goes_on(self, answer: VaultAnswer) -> bool:
        with snapshot(self._workspace) as connection:
            if get_link(connection).is_catching_up:
                return True
            if self._direction.push and has_outgoing(connection):
                return True
        return answer.more and self._direction.pull


def _has_room(answer: VaultAnswer) -> bool:
    """Whether the account may hold more prompts, so that some are let go again."""
    quota = answer.quota
    return quota is not None and (quota.limit is None or quota.used < quota.limit)


def _weight(page: VaultAnswer) -> int:
    return max(len(page.feed), sum(len(change.versions) for change in page.feed))


def _request(link: Link, sent: Outgoing) -> bytes:
    vault = {"id": link.vault, "cursor": link.cursor, "push": sent.pushes}
    if link.mark:  # which a server that knows none would refuse
        vault["mark"] = link.mark
    request = {"proto": PROTO, "device": link.device, "vaults": [vault]}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def _room(limits: Limits, room: Room) -> Room:
    """Return how much goes into the next request; never more than went well before."""
    return Room(
        min(room.changes, limits.items),
        # Texts of prompts are half as long compressed, if not shorter still.
        min(room.bytes, limits.bytes * 2, limits.inflated * 3 // 4),
        limits.payload,
        limits.versions,
    )


def _is_news(link: Link, sent: Outgoing, answer: VaultAnswer) -> bool:
    """Tell whether anything is to be written down; mostly nothing has happened."""
    if sent.changes or answer.feed or answer.status != "ok" or link.resync:
        return True
    quota = answer.quota
    known = (link.prompt_limit, link.prompt_count)
    same_quota = quota is not None and (quota.limit, quota.used) == known
    if storage := answer.storage:
        known = (link.storage_limit, link.storage_used)
        same_quota = same_quota and (storage.limit, storage.used) == known
    same_place = (
        answer.cursor is not None and link.at(answer.cursor, answer.mark) == link
    )
    return not (same_quota and same_place and answer.digest == link.digest.hex())
