"""The server's results for the changes that were pushed."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from promptvault.errors import UnavailableError
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import (
    delete_conflict_copy,
    delete_resolves,
    record_resolved,
    set_status,
)
from promptvault.vault.sync.counts import SyncCounts
from promptvault.vault.sync.item import (
    Hold,
    Item,
    Revision,
    add_revision,
    find_item,
    find_revision,
    new_rev,
    save_item,
    set_own_writer,
)
from promptvault.vault.sync.push import PushBatch, PushedChange
from promptvault.vault.sync.revisions import create_bare_deletion
from promptvault.vault.sync.server_state import ServerState
from promptvault.vault.sync.version import (
    VersionPlace,
    delete_places,
    set_place,
)
from promptvault.wire.sync import Result

_HOLDS = {
    "quota": Hold.LIMIT,
    "storage": Hold.STORAGE,
    "too_large": Hold.TOO_LARGE,
    "history": Hold.HISTORY,
    "forbidden": Hold.FORBIDDEN,
    "plan": Hold.PLAN,
}
"""By `Result.why`, else by `Result.r`."""
_LABEL = "label:"


@dataclass(slots=True)
class PushResults:
    """Applies results, within the current transaction."""

    connection: sqlite3.Connection
    server_state: ServerState
    commit: Commit
    counts: SyncCounts
    common: dict[str, str | None] = field(default_factory=dict)
    """By id of each prompt in conflict, the newest revision that both sides know."""
    gone: list[Item] = field(default_factory=list)
    """Prompts deleted by other devices whose deletion the server has purged."""
    label_refused: list[tuple[Item, str]] = field(default_factory=list)
    """Prompts whose change would move a protected label, with that label."""

    def apply(self, batch: PushBatch, results: Sequence[Result]) -> None:
        """Apply the results of *batch*.

        Raise UnavailableError for a result of a change that is not in it.
        """
        for result in results:
            sent = batch.changes.get(str(result.rev))
            if sent is None:
                raise UnavailableError(
                    "The server's answer names a change that was not sent."
                )
            self._count_acknowledged(sent, result)
            if result.r == "ok":
                self._accepted(sent, result)
            elif sent.kind == "head":
                self._head_refused(sent, result)
            elif sent.kind == "side":
                self._conflict_copy_refused(sent, result)
            else:
                self._resolve_refused(sent, result)

    def _accepted(self, sent: PushedChange, result: Result) -> None:
        rev = str(result.rev)
        resolved = sent.push.get("resolves", [])
        delete_resolves(self.connection, sent.item, resolved)
        record_resolved(self.connection, resolved)
        self.counts.resolved += len(resolved)
        if sent.kind == "resolve":
            return
        self._set_places(sent, result)
        if sent.kind == "side":
            set_status(self.connection, rev, "open")
            if result.open is False:
                delete_conflict_copy(self.connection, rev)
        elif item := find_item(self.connection, sent.item):
            if result.gone:
                self._head_gone(item, rev)
            else:
                self._head_accepted(item, rev, live=not sent.push["deleted"])

    def _head_gone(self, item: Item, rev: str) -> None:
        """Apply a purged deletion, unless the prompt has changed here since."""
        if item.local_rev == rev:
            self.gone.append(item)
        else:
            self._send_as_new(item)

    def _count_acknowledged(self, sent: PushedChange, result: Result) -> None:
        """Count a change that the server had acknowledged, and if it has lost it."""
        if sent.kind == "resolve" or result.r not in {"ok", "conflict"}:
            return
        revs = [str(result.rev), *sent.push.get("chain", [])]
        rows = self.connection.execute(
            """DELETE FROM sync_acked WHERE id IN (SELECT value FROM json_each(?))
            RETURNING id""",
            (json.dumps(revs),),
        )
        acknowledged = {id_ for (id_,) in rows}
        if sent.kind == "head" and str(result.rev) in acknowledged:
            self.counts.sent_again.add(sent.item)
        if acknowledged and not result.dup and str(result.common) not in acknowledged:
            self.counts.restored += 1

    def _head_accepted(self, item: Item, rev: str, *, live: bool) -> None:
        self.counts.sent.add(item.id)
        self.server_state.set(item, rev, live=live)
        set_own_writer(self.connection, item)

    def _set_places(self, sent: PushedChange, result: Result) -> None:
        """Store the places of the versions that were sent.

        Versions that the server knew already, from a request whose answer was lost, may
        have a place before versions of other devices.
        """
        known = {
            str(each.id): VersionPlace(each.seq, each.position) for each in result.known
        }
        versions = sent.push.get("versions", [])
        for index, (pk, version) in enumerate(
            zip(sent.versions, versions, strict=True)
        ):
            place = known.get(version["id"])
            if place is None and result.dup:
                continue  # it was not in the first request with this change
            place = place or VersionPlace(result.seq or 0, index)
            if self._exists(pk):
                set_place(self.connection, pk, place)
        if known:
            self._renumber(sent.item)

    def _exists(self, version_pk: int) -> bool:
        # The trash may have been emptied during the request.
        sql = "SELECT 1 FROM versions WHERE pk = ?"
        return self.connection.execute(sql, (version_pk,)).fetchone() is not None

    def _renumber(self, prompt_id: str) -> None:
        sql = "SELECT pk FROM prompts WHERE id = ?"
        row = self.connection.execute(sql, (prompt_id,)).fetchone()
        if row:
            self.commit.renumber(self.connection, row[0])

    def _head_refused(self, sent: PushedChange, result: Result) -> None:
        item = find_item(self.connection, sent.item)
        if item is None:
            return
        if result.r == "conflict":
            self._conflict(item, result)
        elif result.r == "rev_reuse":
            self._change_rev(item, sent)
        elif result.r == "invalid" and _misses_unsent_versions(sent, result):
            delete_places(self.connection, item.id, result.missing)
        elif (result.why or "").startswith(_LABEL):
            self.label_refused.append((item, (result.why or "").removeprefix(_LABEL)))
        elif result.why == "storage" and self._can_delete_bare(item, sent):
            payload = sent.push["payload"] or {}
            deleted_at = payload.get("deleted_at")
            # Not after the refused revision: its versions do not fit either.
            create_bare_deletion(self.connection, item, item.base_rev, deleted_at)
        elif item.local_rev == str(result.rev) or sent.upto:
            item.hold = _hold(result)
            save_item(self.connection, item)

    def _can_delete_bare(self, item: Item, sent: PushedChange) -> bool:
        is_deletion = sent.push["deleted"] and sent.upto != ""
        return bool(is_deletion and item.base_live and item.local_rev == sent.rev)

    def _conflict(self, item: Item, result: Result) -> None:
        if result.head is not None:
            self.common[item.id] = str(result.common) if result.common else None
            return
        self._send_as_new(item)

    def _send_as_new(self, item: Item) -> None:
        """Send a prompt as a new one: the server has no record of it."""
        self.server_state.set(item, None, live=False)
        delete_places(self.connection, item.id)

    def _change_rev(self, item: Item, sent: PushedChange) -> None:
        """Give the local revision a new id, because another one has this id."""
        old = find_revision(self.connection, item, item.local_rev)
        if old and item.local_rev == sent.push["rev"]:
            item.local_rev = new_rev()
            new = Revision(item.local_rev, *old[1:])
            add_revision(self.connection, item, new)
            save_item(self.connection, item)

    def _conflict_copy_refused(self, sent: PushedChange, result: Result) -> None:
        if result.r == "invalid" and _misses_unsent_versions(sent, result):
            delete_places(self.connection, sent.item, result.missing)
        else:
            set_status(self.connection, sent.push["rev"], _hold(result))

    def _resolve_refused(self, sent: PushedChange, result: Result) -> None:
        """Hold the prompt, so that the resolution is not sent with every sync."""
        item = find_item(self.connection, sent.item)
        if item is None:
            delete_resolves(self.connection, sent.item, sent.push["resolves"])
            return
        item.hold = _hold(result)
        save_item(self.connection, item)


def _hold(result: Result) -> Hold:
    return _HOLDS.get(result.why or "", _HOLDS.get(result.r, Hold.REFUSED))


def _misses_unsent_versions(sent: PushedChange, result: Result) -> bool:
    """Return True if all versions that the server misses were not in the change."""
    given = {version["id"] for version in sent.push.get("versions", [])}
    missing = {str(each) for each in result.missing}
    return bool(missing) and not missing & given
