"""What became of the changes that were sent."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from promptvault.errors import UnavailableError
from promptvault.vault.sync.base import Bases
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.item import (
    Hold,
    Item,
    Revision,
    add_revision,
    find_item,
    find_revision,
    new_rev,
    save_item,
)
from promptvault.vault.sync.outgoing import Outgoing, Sent
from promptvault.vault.sync.side import drop_side, forget_resolves, set_status
from promptvault.vault.sync.version import (
    Place,
    forget_places,
    set_place,
)
from promptvault.wire.sync import Result

_HOLDS = {
    "quota": Hold.LIMIT,
    "too_large": Hold.TOO_LARGE,
    "forbidden": Hold.FORBIDDEN,
}


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

    def take(self, outgoing: Outgoing, results: Sequence[Result]) -> None:
        """Take in what the server says of each change."""
        for result in results:
            sent = outgoing.changes.get(str(result.rev))
            if sent is None:
                raise UnavailableError("The server answers what was not asked.")
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
        self.settled += len(settled)
        if sent.kind == "resolve":
            return
        self._set_places(sent, result)
        if sent.kind == "side":
            set_status(self.connection, rev, "open")
            if result.open is False:
                drop_side(self.connection, rev)
        elif item := find_item(self.connection, sent.item):
            self._head_accepted(item, rev, live=not sent.push["deleted"])

    def _head_accepted(self, item: Item, rev: str, *, live: bool) -> None:
        self.accepted.add(item.id)
        self.bases.set(item, rev, live=live)

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
        elif item.local_rev == str(result.rev) or sent.upto:
            item.hold = _HOLDS.get(result.r, Hold.REFUSED)
            save_item(self.connection, item)

    def _conflict(self, item: Item, result: Result) -> None:
        if result.head is not None:
            self.common[item.id] = str(result.common) if result.common else None
            return
        # The server has forgotten that the prompt was ever there: it is made anew.
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
        item.hold = _HOLDS.get(result.r, Hold.REFUSED)
        save_item(self.connection, item)


def _can_send(sent: Sent, result: Result) -> bool:
    """Tell whether the server lacks versions that it was not sent."""
    given = {version["id"] for version in sent.push.get("versions", [])}
    missing = {str(each) for each in result.missing}
    return bool(missing) and not missing & given
