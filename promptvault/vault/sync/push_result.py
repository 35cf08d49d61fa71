"""What became of the changes that were sent."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from promptvault.errors import UnavailableError
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import (
    drop_side,
    forget_resolves,
    remember_settled,
    set_status,
)
from promptvault.vault.sync.item import (
    Hold,
    Item,
    Revision,
    add_revision,
    find_item,
    find_revision,
    new_rev,
    note_own,
    save_item,
)
from promptvault.vault.sync.push import Outgoing, Sent
from promptvault.vault.sync.server_state import Bases
from promptvault.vault.sync.version import (
    Place,
    forget_places,
    set_place,
)
from promptvault.wire.sync import Result

_HOLDS = {
    "quota": Hold.LIMIT,
    "storage": Hold.STORAGE,
    "too_large": Hold.TOO_LARGE,
    "history": Hold.HISTORY,
    "forbidden": Hold.FORBIDDEN,
}
"""By what the server says was wrong, and else by what there is too much of."""


@dataclass(slots=True)
class Results:
    """Takes in results, within the transaction under way."""

    connection: sqlite3.Connection
    bases: Bases
    commit: Commit
    common: dict[str, str | None] = field(default_factory=dict)
    """By prompt in conflict, the newest revision that both sides know."""
    accepted: set[str] = field(default_factory=set)
    """Prompts that the server has taken as they are sent."""
    settled: int = 0
    """Conflicts of which it now knows that they are settled."""
    restored: int = 0
    """Changes that the server had acknowledged, then lost, and has again."""
    gone: list[Item] = field(default_factory=list)
    """Prompts that others deleted so long ago that the server has forgotten it."""

    def take(self, outgoing: Outgoing, results: Sequence[Result]) -> None:
        """Take in what the server says of each change."""
        for result in results:
            sent = outgoing.changes.get(str(result.rev))
            if sent is None:
                raise UnavailableError("The server answers what was not asked.")
            self._count_restored(sent, result)
            if result.r == "ok":
                self._accepted(sent, result)
            elif sent.kind == "head":
                self._head_refused(sent, result)
            elif sent.kind == "side":
                self._side_refused(sent, result)
            else:
                self._resolve_refused(sent, result)

    def _accepted(self, sent: Sent, result: Result) -> None:
        rev = str(result.rev)
        settled = sent.push.get("resolves", [])
        forget_resolves(self.connection, sent.item, settled)
        remember_settled(self.connection, settled)
        self.settled += len(settled)
        if sent.kind == "resolve":
            return
        self._set_places(sent, result)
        if sent.kind == "side":
            set_status(self.connection, rev, "open")
            if result.open is False:
                drop_side(self.connection, rev)
        elif item := find_item(self.connection, sent.item):
            if result.gone:
                self._head_gone(item, rev)
            else:
                self._head_accepted(item, rev, live=not sent.push["deleted"])

    def _head_gone(self, item: Item, rev: str) -> None:
        """Follow a forgotten deletion, but for what was changed here since."""
        if item.local_rev == rev:
            self.gone.append(item)
        else:
            self._make_anew(item)

    def _count_restored(self, sent: Sent, result: Result) -> None:
        """Count a change that the server had acknowledged and does not know."""
        if sent.kind == "resolve" or result.r not in {"ok", "conflict"}:
            return
        line = [str(result.rev), *sent.push.get("chain", [])]
        rows = self.connection.execute(
            """DELETE FROM sync_acked WHERE id IN (SELECT value FROM json_each(?))
            RETURNING id""",
            (json.dumps(line),),
        )
        lost = {id_ for (id_,) in rows}
        if lost and not result.dup and str(result.common) not in lost:
            self.restored += 1

    def _head_accepted(self, item: Item, rev: str, *, live: bool) -> None:
        self.accepted.add(item.id)
        self.bases.set(item, rev, live=live)
        note_own(self.connection, item)

    def _set_places(self, sent: Sent, result: Result) -> None:
        """Note where the versions stand that went along.

        Those that the server knew, from a request whose answer was lost, may stand
        before others that have come since.
        """
        known = {str(each.id): Place(each.seq, each.position) for each in result.known}
        versions = sent.push.get("versions", [])
        for index, (pk, version) in enumerate(
            zip(sent.versions, versions, strict=True)
        ):
            place = known.get(version["id"])
            if place is None and result.dup:
                continue  # it was not there when the change came for the first time
            place = place or Place(result.seq or 0, index)
            if self._exists(pk):
                set_place(self.connection, pk, place)
        if known:
            self._renumber(sent.item)

    def _exists(self, version_pk: int) -> bool:
        # It may be gone by now: the trash was emptied while the request was out.
        sql = "SELECT 1 FROM versions WHERE pk = ?"
        return self.connection.execute(sql, (version_pk,)).fetchone() is not None

    def _renumber(self, prompt_id: str) -> None:
        sql = "SELECT pk FROM prompts WHERE id = ?"
        row = self.connection.execute(sql, (prompt_id,)).fetchone()
        if row:
            self.commit.renumber(self.connection, row[0])

    def _head_refused(self, sent: Sent, result: Result) -> None:
        item = find_item(self.connection, sent.item)
        if item is None:
            return
        if result.r == "conflict":
            self._conflict(item, result)
        elif result.r == "rev_reuse":
            self._rename(item, sent)
        elif result.r == "invalid" and _can_send(sent, result):
            forget_places(self.connection, item.id, result.missing)
        elif result.why == "storage" and self._can_delete_bare(item, sent):
            self._delete_bare(item, sent)
        elif item.local_rev == str(result.rev) or sent.upto:
            item.hold = _hold(result)
            save_item(self.connection, item)

    def _can_delete_bare(self, item: Item, sent: Sent) -> bool:
        is_deletion = sent.push["deleted"] and sent.upto != ""
        return bool(is_deletion and item.base_live and item.local_rev == sent.rev)

    def _delete_bare(self, item: Item, sent: Sent) -> None:
        """Let others know of a deletion without what there is no storage for.

        Deleting goes on where nothing else fits: as the server has it, the prompt is
        put into the trash there.
        """
        base = find_revision(self.connection, item, item.base_rev)
        state = base.state if base else None
        if state is not None:
            kept = sent.push["payload"] or {}
            times = {k: kept[k] for k in ("deleted_at",) if k in kept}
            state |= times
        bare = Revision(new_rev(), item.base_rev, True, "", state)
        add_revision(self.connection, item, bare)
        item.local_rev, item.hold = bare.rev, None
        save_item(self.connection, item)

    def _conflict(self, item: Item, result: Result) -> None:
        if result.head is not None:
            self.common[item.id] = str(result.common) if result.common else None
            return
        self._make_anew(item)

    def _make_anew(self, item: Item) -> None:
        """Send a prompt as a new one: the server does not know that it was there."""
        self.bases.set(item, None, live=False)
        forget_places(self.connection, item.id)

    def _rename(self, item: Item, sent: Sent) -> None:
        """Give a revision another id, as another device bears this one."""
        old = find_revision(self.connection, item, item.local_rev)
        if old and item.local_rev == sent.push["rev"]:
            item.local_rev = new_rev()
            new = Revision(item.local_rev, *old[1:])
            add_revision(self.connection, item, new)
            save_item(self.connection, item)

    def _side_refused(self, sent: Sent, result: Result) -> None:
        if result.r == "invalid" and _can_send(sent, result):
            forget_places(self.connection, sent.item, result.missing)
        else:
            set_status(self.connection, sent.push["rev"], "held")

    def _resolve_refused(self, sent: Sent, result: Result) -> None:
        """Keep it from being sent again and again, until it is tried on purpose."""
        item = find_item(self.connection, sent.item)
        if item is None:
            forget_resolves(self.connection, sent.item, sent.push["resolves"])
            return
        item.hold = _hold(result)
        save_item(self.connection, item)


def _hold(result: Result) -> Hold:
    return _HOLDS.get(result.why or "", _HOLDS.get(result.r, Hold.REFUSED))


def _can_send(sent: Sent, result: Result) -> bool:
    """Tell whether the server lacks versions that it was not sent."""
    given = {version["id"] for version in sent.push.get("versions", [])}
    missing = {str(each) for each in result.missing}
    return bool(missing) and not missing & given
