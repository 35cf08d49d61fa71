"""The changes of this vault, made into one request."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from promptvault.vault.sync.item import Item, Revision, lines, new_rev
from promptvault.vault.sync.part import MOST_BYTES, MOST_VERSIONS, is_long
from promptvault.vault.sync.state import Outbound, fit_to_leave, outbound, unsent
from promptvault.wire.sync import MAX_CHAIN, MAX_VERSIONS

_MOST_RESOLVES = 1000
_ENVELOPE = 1000
"""Bytes that a change takes besides its texts, roughly."""

_IS_DIRTY = "local_rev IS NOT base_rev AND hold IS NULL"
_DIRTY = f"""SELECT pk, item, local_rev, base_rev, base_live, hold FROM sync_items
    WHERE {_IS_DIRTY} ORDER BY pk LIMIT ?"""
_SIDES = """SELECT s.rev, s.item, s.base, s.state FROM sync_sides s
    WHERE s.status = 'waiting' ORDER BY s.rev LIMIT ?"""
# The text that absorbed a side goes first, or along: else both might be lost.
_RESOLVES = """SELECT r.item, r.side FROM sync_resolves r
    LEFT JOIN sync_items i ON i.item = r.item
    WHERE i.hold IS NULL AND NOT EXISTS (
        SELECT 1 FROM sync_sides s WHERE s.item = r.item AND s.status = 'held')
    LIMIT ?"""
_UNSENT_SIDES = "SELECT rev FROM sync_sides WHERE item = ? AND status = 'waiting'"


class Room(NamedTuple):
    """How much goes into a request."""

    changes: int = 500
    bytes: int = 2 * 1024 * 1024
    """Of the body before it is compressed; one change may be longer by itself."""
    payload: int = 256 * 1024
    """Bytes of one version."""
    versions: int = MAX_VERSIONS
    """Of all prompts together."""


class _Size(NamedTuple):
    """How much of a prompt's history goes along."""

    bytes: int
    versions: int
    is_long: bool
    """Whether it goes in parts."""


_NOTHING = _Size(0, 0, is_long=False)


@dataclass(slots=True)
class Sent:
    """A change on its way."""

    item: str
    push: dict[str, Any]
    versions: list[int] = field(default_factory=list)
    """Keys of the versions that go along."""
    upto: str | None = None
    """The last version that goes along; None for all, '' for none."""

    @property
    def rev(self) -> str:
        """The id of the revision."""
        return str(self.push["rev"])

    @property
    def kind(self) -> str:
        """What it is: a head, a side or a mere resolution."""
        return str(self.push["kind"])


@dataclass(slots=True)
class Outgoing:
    """The changes of one request, by revision, in their order."""

    changes: dict[str, Sent] = field(default_factory=dict)

    @property
    def pushes(self) -> list[dict[str, Any]]:
        """The changes as they go over the wire."""
        return [each.push for each in self.changes.values()]


def has_outgoing(connection: sqlite3.Connection) -> bool:
    """Tell whether there is anything to send."""
    (found,) = connection.execute(
        f"""SELECT EXISTS (SELECT 1 FROM sync_items WHERE {_IS_DIRTY})
            OR EXISTS (SELECT 1 FROM sync_sides WHERE status = 'waiting')
            OR EXISTS ({_RESOLVES.replace("?", "1")})"""
    ).fetchone()
    return bool(found)


def has_new_imports(connection: sqlite3.Connection) -> bool:
    """Tell whether prompts that came out of files are to be sent for the first time."""
    (found,) = connection.execute(
        f"""SELECT EXISTS (SELECT 1 FROM sync_items i
            JOIN prompts p ON p.id = i.item JOIN origins o ON o.prompt_pk = p.pk
            WHERE i.base_rev IS NULL AND {_IS_DIRTY})"""
    ).fetchone()
    return bool(found)


def count_outgoing(connection: sqlite3.Connection) -> int:
    """Return how many prompts have changes that are not held back."""
    sql = f"SELECT count(*) FROM sync_items WHERE {_IS_DIRTY}"
    return int(connection.execute(sql).fetchone()[0])


def outgoing(connection: sqlite3.Connection, room: Room) -> Outgoing:
    """Return the changes to send next, as many as there is room for."""
    return _Collection(connection, room).collect()


class _Collection:
    """A request while it is put together."""

    def __init__(self, connection: sqlite3.Connection, room: Room) -> None:
        self._connection, self._room = connection, room
        self._left, self._versions_left = room.bytes, room.versions
        self._changes: dict[str, Sent] = {}
        self._carriers: dict[str, Sent] = {}
        """By prompt, the first of its changes, with which its versions go."""
        self._absorbers: dict[str, Sent] = {}
        """By prompt, the change with which its resolutions go."""
        self._whole: set[str] = set()
        """Prompts that go as they are here, not only a part of their history."""

    def collect(self) -> Outgoing:
        """Return what there is room for."""
        self._add_sides()
        self._add_heads()
        self._add_versions()
        self._add_resolves()
        return Outgoing(self._changes)

    def _add_sides(self) -> None:
        rows = self._connection.execute(_SIDES, (self._room.changes,)).fetchall()
        sizes = self._sizes({row[1] for row in rows})
        for rev, item, base, state in rows:
            size = sizes.get(item, _NOTHING)
            if size.is_long:
                continue  # its versions go in parts, with the prompt
            if self._is_full(size):
                return
            push = {"kind": "side", "item": item, "rev": rev, "base": base}
            payload = fit_to_leave(json.loads(state))
            sent = self._add(item, push | {"payload": payload})
            self._absorbers.setdefault(item, sent)

    def _add_heads(self) -> None:
        limit = self._room.changes - len(self._changes)
        rows = self._connection.execute(_DIRTY, (limit,)).fetchall()
        items = [Item(*row) for row in rows]
        sizes = self._sizes({item.id for item in items})
        history = lines(self._connection, items)
        for item in items:
            if self._is_full(sizes.get(item.id, _NOTHING)):
                return
            revision, chain = _next(item, history[item.pk])
            sent = self._add(item.id, _head(item, revision, chain))
            sent.upto = revision.upto
            if revision.rev == item.local_rev:
                self._whole.add(item.id)
                self._absorbers[item.id] = sent

    def _sizes(self, ids: set[str]) -> dict[str, "_Size"]:
        found = unsent(self._connection, ids)
        # A history too long for one request goes in parts of about this size.
        return {
            id_: _Size(
                min(sum(each.size for each in versions), 2 * MOST_BYTES),
                min(len(versions), MOST_VERSIONS),
                is_long(versions),
            )
            for id_, versions in found.items()
        }

    def _is_full(self, size: "_Size") -> bool:
        self._left -= size.bytes + _ENVELOPE
        self._versions_left -= size.versions
        is_full = self._left < 0 or self._versions_left < 0
        return is_full and bool(self._changes)

    def _add(self, item: str, push: dict[str, Any]) -> Sent:
        sent = self._changes[push["rev"]] = Sent(item, push)
        self._carriers.setdefault(item, sent)
        return sent

    def _add_versions(self) -> None:
        found: dict[str, list[Outbound]] = {item: [] for item in self._carriers}
        ids = list(self._carriers)
        for item, version in outbound(self._connection, ids, self._room.payload):
            found[item].append(version)
        for item, versions in found.items():
            sent = self._carriers[item]
            going = _upto(versions, sent.upto)
            sent.versions = [each.pk for each in going]
            sent.push["versions"] = [{"id": v.id, **v.content} for v in going]

    def _add_resolves(self) -> None:
        rows = self._connection.execute(_RESOLVES, (_MOST_RESOLVES,)).fetchall()
        for item, side in rows:
            if self._has_unsent_text(item):
                continue  # perhaps the one that absorbed the side: it goes first
            sent = self._absorbers.get(item)
            if sent is None:
                if len(self._changes) >= self._room.changes:
                    continue
                push = {"kind": "resolve", "item": item, "rev": new_rev()}
                sent = self._changes[push["rev"]] = Sent(item, push)
                self._absorbers[item] = sent
            sent.push.setdefault("resolves", []).append(side)

    def _has_unsent_text(self, item: str) -> bool:
        """Tell whether a text of the prompt neither was sent nor goes along."""
        sides = self._connection.execute(_UNSENT_SIDES, (item,))
        if any(rev not in self._changes for (rev,) in sides):
            return True
        sql = f"SELECT 1 FROM sync_items WHERE item = ? AND {_IS_DIRTY}"
        is_dirty = self._connection.execute(sql, (item,)).fetchone() is not None
        return is_dirty and item not in self._whole


def _next(item: Item, line: Sequence[Revision]) -> tuple[Revision, list[str]]:
    """Return the revision of a prompt to send next, and what it descends from.

    A long history goes in parts, each a revision of its own, the oldest first.
    """
    at = 0
    for index, revision in enumerate(line):
        if revision.rev == item.base_rev:
            break
        if revision.upto:
            at = index
    chain = [each.rev for each in line[at + 1 :]]
    oldest = line[-1].parent
    return line[at], [*chain, *([oldest] if oldest else [])][:MAX_CHAIN]


def _upto(versions: list[Outbound], last: str | None) -> list[Outbound]:
    """Return the versions up to the *last* that is to go; all where that is None."""
    if last is None:
        return versions
    ids = [version.id for version in versions]
    return versions[: ids.index(last) + 1] if last in ids else []


def _head(item: Item, revision: Revision, chain: list[str]) -> dict[str, Any]:
    return {
        "kind": "head",
        "item": item.id,
        "rev": revision.rev,
        "base": item.base_rev,
        "chain": chain,
        "deleted": revision.deleted,
        "payload": revision.state and fit_to_leave(revision.state),
    }
