"""Collecting the changes of the vault for one request."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from promptvault.vault.sync.conflict_copy import IS_HELD
from promptvault.vault.sync.item import Item, Revision, ancestries, new_rev
from promptvault.vault.sync.split_history import PART_BYTES, PART_VERSIONS, needs_split
from promptvault.vault.sync.state import (
    WireVersion,
    redacted_state,
    unsent_versions,
    wire_versions,
)
from promptvault.wire.sync import MAX_CHAIN, MAX_VERSIONS

_MOST_RESOLVES = 1000
_ENVELOPE = 1000
"""Bytes of a change without its texts, roughly."""

_IS_DIRTY = "local_rev IS NOT base_rev AND hold IS NULL"
_DIRTY = f"""SELECT pk, item, local_rev, base_rev, base_live, hold FROM sync_items
    WHERE {_IS_DIRTY} ORDER BY pk LIMIT ?"""
_SIDES = """SELECT s.rev, s.item, s.base, s.state FROM sync_sides s
    WHERE s.status = 'waiting' ORDER BY s.rev LIMIT ?"""
# The text that absorbed a conflict copy is sent before its resolution or with it:
# otherwise both might be lost.
_RESOLVES = f"""SELECT r.item, r.side FROM sync_resolves r
    LEFT JOIN sync_items i ON i.item = r.item
    WHERE i.hold IS NULL AND NOT EXISTS (
        SELECT 1 FROM sync_sides s WHERE s.item = r.item AND s.{IS_HELD})
    LIMIT ?"""
_UNSENT_SIDES = "SELECT rev FROM sync_sides WHERE item = ? AND status = 'waiting'"


class BatchLimits(NamedTuple):
    """The limits of one request."""

    changes: int = 500
    """Changes, of all kinds."""
    bytes: int = 2 * 1024 * 1024
    """Bytes of the body before compression; a single change may exceed it."""
    payload: int = 256 * 1024
    """Bytes of one version as JSON."""
    versions: int = MAX_VERSIONS
    """Versions, of all prompts together."""


class _Size(NamedTuple):
    """The versions that are sent with a prompt."""

    bytes: int
    versions: int
    is_long: bool
    """Whether they are sent in parts."""


_NOTHING = _Size(0, 0, is_long=False)


@dataclass(slots=True)
class PushedChange:
    """A change in a request."""

    item: str
    """Id of the prompt."""
    push: dict[str, Any]
    """The change as JSON, a `wire.sync.Push`."""
    versions: list[int] = field(default_factory=list)
    """Keys of the versions that are sent with it."""
    upto: str | None = None
    """Id of the last version that is sent with it; None sends all, '' none."""

    @property
    def rev(self) -> str:
        """The id of the revision."""
        return str(self.push["rev"])

    @property
    def kind(self) -> str:
        """'head', 'side' or 'resolve'."""
        return str(self.push["kind"])


@dataclass(slots=True)
class PushBatch:
    """The changes of one request, by revision, in the order they are sent."""

    changes: dict[str, PushedChange] = field(default_factory=dict)

    @property
    def pushes(self) -> list[dict[str, Any]]:
        """The changes as JSON, each a `wire.sync.Push`."""
        return [each.push for each in self.changes.values()]


def has_unsent_changes(connection: sqlite3.Connection) -> bool:
    """Return True if there is anything to send."""
    (found,) = connection.execute(
        f"""SELECT EXISTS (SELECT 1 FROM sync_items WHERE {_IS_DIRTY})
            OR EXISTS (SELECT 1 FROM sync_sides WHERE status = 'waiting')
            OR EXISTS ({_RESOLVES.replace("?", "1")})"""
    ).fetchone()
    return bool(found)


def has_new_imports(connection: sqlite3.Connection) -> bool:
    """Return True if imported prompts are to be sent for the first time."""
    (found,) = connection.execute(
        f"""SELECT EXISTS (SELECT 1 FROM sync_items i
            JOIN prompts p ON p.id = i.item JOIN origins o ON o.prompt_pk = p.pk
            WHERE i.base_rev IS NULL AND {_IS_DIRTY})"""
    ).fetchone()
    return bool(found)


def count_unsent_changes(connection: sqlite3.Connection) -> int:
    """Return the number of prompts with a change to send; held ones do not count."""
    sql = f"SELECT count(*) FROM sync_items WHERE {_IS_DIRTY}"
    return int(connection.execute(sql).fetchone()[0])


def next_batch(connection: sqlite3.Connection, limits: BatchLimits) -> PushBatch:
    """Return the changes to send next, within *limits*."""
    return _BatchBuilder(connection, limits).collect()


class _BatchBuilder:
    """Collects the changes of one request."""

    def __init__(self, connection: sqlite3.Connection, limits: BatchLimits) -> None:
        self._connection, self._limits = connection, limits
        self._left, self._versions_left = limits.bytes, limits.versions
        self._changes: dict[str, PushedChange] = {}
        self._carriers: dict[str, PushedChange] = {}
        """By prompt, its first change, which carries its versions."""
        self._absorbers: dict[str, PushedChange] = {}
        """By prompt, the change that carries its resolutions."""
        self._whole: set[str] = set()
        """Prompts whose local revision is in the request, not only a part before it."""

    def collect(self) -> PushBatch:
        """Return the changes that fit."""
        self._add_conflict_copies()
        self._add_heads()
        self._add_versions()
        self._add_resolves()
        return PushBatch(self._changes)

    def _add_conflict_copies(self) -> None:
        rows = self._connection.execute(_SIDES, (self._limits.changes,)).fetchall()
        sizes = self._sizes({row[1] for row in rows})
        for rev, item, base, state in rows:
            size = sizes.get(item, _NOTHING)
            if size.is_long:
                continue  # its versions are sent in parts, with the prompt
            if self._is_full(size):
                return
            push = {"kind": "side", "item": item, "rev": rev, "base": base}
            payload = redacted_state(json.loads(state))
            sent = self._add(item, push | {"payload": payload})
            self._absorbers.setdefault(item, sent)

    def _add_heads(self) -> None:
        limit = self._limits.changes - len(self._changes)
        rows = self._connection.execute(_DIRTY, (limit,)).fetchall()
        items = [Item(*row) for row in rows]
        sizes = self._sizes({item.id for item in items})
        history = ancestries(self._connection, items)
        for item in items:
            if self._is_full(sizes.get(item.id, _NOTHING)):
                return
            revision, chain = _next(item, history[item.pk])
            sent = self._add(item.id, _head(item, revision, chain))
            sent.upto = revision.upto
            if revision.rev == item.local_rev:
                self._whole.add(item.id)
                self._absorbers[item.id] = sent

    def _sizes(self, ids: set[str]) -> dict[str, _Size]:
        found = unsent_versions(self._connection, ids)
        # A history that is too long for one request is sent in parts of this size.
        return {
            id_: _Size(
                min(sum(each.size for each in versions), 2 * PART_BYTES),
                min(len(versions), PART_VERSIONS),
                needs_split(versions),
            )
            for id_, versions in found.items()
        }

    def _is_full(self, size: _Size) -> bool:
        self._left -= size.bytes + _ENVELOPE
        self._versions_left -= size.versions
        is_full = self._left < 0 or self._versions_left < 0
        return is_full and bool(self._changes)

    def _add(self, item: str, push: dict[str, Any]) -> PushedChange:
        sent = self._changes[push["rev"]] = PushedChange(item, push)
        self._carriers.setdefault(item, sent)
        return sent

    def _add_versions(self) -> None:
        found: dict[str, list[WireVersion]] = {item: [] for item in self._carriers}
        ids = list(self._carriers)
        for item, version in wire_versions(self._connection, ids, self._limits.payload):
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
                continue  # it may have absorbed the copy: it is sent first
            sent = self._absorbers.get(item)
            if sent is None:
                if len(self._changes) >= self._limits.changes:
                    continue
                push = {"kind": "resolve", "item": item, "rev": new_rev()}
                sent = self._changes[push["rev"]] = PushedChange(item, push)
                self._absorbers[item] = sent
            sent.push.setdefault("resolves", []).append(side)

    def _has_unsent_text(self, item: str) -> bool:
        """Return True if a text of the prompt is neither sent nor in this request."""
        sides = self._connection.execute(_UNSENT_SIDES, (item,))
        if any(rev not in self._changes for (rev,) in sides):
            return True
        sql = f"SELECT 1 FROM sync_items WHERE item = ? AND {_IS_DIRTY}"
        is_dirty = self._connection.execute(sql, (item,)).fetchone() is not None
        return is_dirty and item not in self._whole


def _next(item: Item, line: Sequence[Revision]) -> tuple[Revision, list[str]]:
    """Return the revision to send next, and the ids of its ancestors.

    *line* is the local revision and its ancestors, newest first. The parts of a long
    history are revisions too, and the oldest unsent one is sent first.
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


def _upto(versions: list[WireVersion], last: str | None) -> list[WireVersion]:
    """Return the versions up to and including *last*; all if it is None."""
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
        "payload": revision.state and redacted_state(revision.state),
    }
