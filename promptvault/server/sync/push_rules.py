"""The rules by which pushes are accepted or refused, one by one. No SQL is here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from promptvault.domain.protected_label import moved_labels
from promptvault.domain.vault_digest import SIZE, head_digest
from promptvault.server.sync import payload as payloads
from promptvault.server.sync.cost import REVISION_BYTES, row_cost
from promptvault.server.sync.payload import UnusableError
from promptvault.wire.sync import (
    HeadPush,
    Payload,
    Place,
    Push,
    ResolvePush,
    Result,
    SidePush,
    VersionPush,
)

_LONGEST_SHOWN = 200
"""Characters of a name in the team's activity. Devices check names, this does not."""
_DELETION_ROOM = 4096
"""Bytes that a deletion may add to a full account: a revision and the time."""


class Head(NamedTuple):
    """The head of a prompt. Only if the vault has protected labels, its payload is read
    from the database."""

    rev: UUID
    deleted: bool
    seq: int = 0
    payload: bytes | None = None


class Revision(NamedTuple):
    """An accepted revision of a prompt, or of a side."""

    item_id: UUID
    base_rev: UUID | None
    kind: str
    seq: int
    payload_hash: bytes


class Side(NamedTuple):
    """A conflict copy, which the protocol calls a side."""

    item_id: UUID
    resolved: bool
    seq: int = 0
    payload: bytes | None = None


class Version(NamedTuple):
    """A version and its position. Its payload is not read from the database."""

    item_id: UUID
    seq: int
    position: int
    payload: bytes = b""
    number: int = 0
    """1 for the first version of its prompt."""


@dataclass(slots=True)
class Rows:
    """Rows of a vault, by id."""

    heads: dict[UUID, Head] = field(default_factory=dict)
    revisions: dict[UUID, Revision] = field(default_factory=dict)
    sides: dict[UUID, Side] = field(default_factory=dict)
    versions: dict[UUID, Version] = field(default_factory=dict)


@dataclass(slots=True)
class Sizes:
    """Sizes of what the pushes of a request name."""

    heads: dict[UUID, int] = field(default_factory=dict)
    """Bytes of the payload of a head, by prompt."""
    sides: dict[UUID, int] = field(default_factory=dict)
    """Bytes of the payload of a side, by revision."""
    histories: dict[UUID, int] = field(default_factory=dict)
    """Number of versions, by prompt."""


@dataclass(slots=True)
class Account:
    """An account's limits and usage, while its row is locked."""

    limit: int | None
    count: int
    storage_limit: int | None
    stored: int
    """Bytes, as counted in `cost`."""

    def has_room(self) -> bool:
        """Return True if one more prompt fits."""
        return self.limit is None or self.count < self.limit

    def can_store(self, growth: int) -> bool:
        """Return True if *growth* more bytes fit."""
        limit = self.storage_limit
        return growth <= 0 or limit is None or self.stored + growth <= limit


class EncodedPush(NamedTuple):
    """The payloads of a push as they are stored."""

    payload: bytes | None
    versions: dict[UUID, tuple[int, bytes]]
    """Index in the push and payload, by id."""
    named: set[UUID]
    """The versions that the state of the prompt names."""


class LabelMove(NamedTuple):
    """A protected label that an accepted push has moved."""

    label: str
    item: UUID
    name: str
    """Of the prompt, before a deletion and after a new name."""
    version: str | None
    """The version that has the label now."""


@dataclass(slots=True)
class VaultUpdate:
    """A locked vault while the pushes of one request are decided.

    Each accepted push changes `known`; `written` is the part of it that is new.
    """

    known: Rows
    sizes: Sizes
    seq: int
    digest: int
    account: Account
    payload_limit: int
    history_limit: int
    rules: frozenset[str] = frozenset()
    """The protected labels."""
    may_move_labels: bool = True
    """Whether the user may move them."""
    moves: list[LabelMove] = field(default_factory=list)
    """Those that were moved."""
    written: Rows = field(default_factory=Rows)
    results: list[Result] = field(default_factory=list)
    inline: dict[UUID, None] = field(default_factory=dict)
    """Prompts whose head the device gets whatever its cursor is; an ordered set."""
    bare: set[UUID] = field(default_factory=set)
    """Those of them of which the device has deleted all versions."""
    over: list[UUID] = field(default_factory=list)
    """Prompts that were refused because of the prompt limit."""
    is_full: bool = False
    """Whether a push was refused because of the storage limit."""

    @property
    def digest_bytes(self) -> bytes:
        """The digest in its stored form."""
        return self.digest.to_bytes(SIZE)

    def decide(self, push: Push) -> None:
        """Accept or refuse *push*, and append its result."""
        self.results.append(self._result(push))

    def _result(self, push: Push) -> Result:
        if isinstance(push, ResolvePush):
            self._resolve(push)
            return Result(rev=push.rev, r="ok")
        try:
            sent = _encoded(push)
        except UnusableError:
            return Result(rev=push.rev, r="invalid")
        if push.rev in self.known.revisions:
            return self._again(push, sent)
        if self._is_too_large(sent):
            return Result(rev=push.rev, r="too_large", why="payload")
        refusal = self._conflict(push) if isinstance(push, HeadPush) else None
        refusal = refusal or self._unknown_version(push, sent)
        refusal = refusal or self._too_many_versions(push, sent)
        if refusal is None and isinstance(push, HeadPush):
            refusal = self._protected(push) or self._quota(push)
        refusal = refusal or self._no_storage(push, sent)
        return refusal or self._accept(push, sent)

    def _again(self, push: HeadPush | SidePush, sent: EncodedPush) -> Result:
        """Answer a push that was accepted before, at any time."""
        revision = self.known.revisions[push.rev]
        same = (push.item, push.kind, _hash(push, sent.payload))
        if (revision.item_id, revision.kind, revision.payload_hash) != same:
            return Result(rev=push.rev, r="rev_reuse")
        self._resolve(push)
        known = self._places(push)
        result = _accepted(push.rev, revision.seq, known)
        result.dup = True
        if isinstance(push, SidePush):
            side = self.known.sides.get(push.rev)
            result.open = side is not None and not side.resolved
            return result
        head = self.known.heads.get(push.item)
        result.gone = head is None
        if head is not None and head.rev != push.rev:
            self.inline[push.item] = None
        return result

    def _is_too_large(self, sent: EncodedPush) -> bool:
        sizes = (len(payload) for _, payload in sent.versions.values())
        return max(len(sent.payload or b""), *sizes, 0) > self.payload_limit

    def _conflict(self, push: HeadPush) -> Result | None:
        head = self.known.heads.get(push.item)
        if push.base is None if head is None else head.rev in _line(push):
            return None
        if head is not None:
            self.inline[push.item] = None
        if push.payload is None:
            self.bare.add(push.item)
        return Result(
            rev=push.rev,
            r="conflict",
            head=head and head.rev,
            common=self._common(push),
        )

    def _common(self, push: HeadPush) -> UUID | None:
        revisions = self.known.revisions
        for rev in _line(push):
            if rev in revisions and revisions[rev].item_id == push.item:
                return rev
        return None

    def _unknown_version(
        self, push: HeadPush | SidePush, sent: EncodedPush
    ) -> Result | None:
        mine = sent.versions.keys()
        versions = self.known.versions
        # A version of another prompt counts as missing.
        foreign = {
            each
            for each in sent.named | mine
            if each in versions and versions[each].item_id != push.item
        }
        missing = (sent.named - mine - versions.keys()) | foreign
        if not missing:
            return None
        return Result(rev=push.rev, r="invalid", missing=sorted(missing))

    def _protected(self, push: HeadPush) -> Result | None:
        """Refuse a push that moves a protected label, if the user may not do that."""
        if self.may_move_labels or not (moved := self._moved(push)):
            return None
        return Result(rev=push.rev, r="forbidden", why=f"label:{moved[0]}")

    def _moved(self, push: HeadPush) -> list[str]:
        """Return the protected labels that *push* moves."""
        if not self.rules:
            return []
        before = self._live_state(push.item)
        return moved_labels(before, push.payload, push.deleted, self.rules)

    def _live_state(self, item: UUID) -> Payload | None:
        head = self.known.heads.get(item)
        return payloads.decode(head.payload) if head and not head.deleted else None

    def _quota(self, push: HeadPush) -> Result | None:
        if push.deleted or self._is_live(push.item) or self.account.has_room():
            return None
        self.over.append(push.item)
        return Result(rev=push.rev, r="quota", why="prompts")

    def _is_live(self, item: UUID) -> bool:
        head = self.known.heads.get(item)
        return head is not None and not head.deleted

    def _too_many_versions(
        self, push: HeadPush | SidePush, sent: EncodedPush
    ) -> Result | None:
        new = len(self._new(sent))
        count = self.sizes.histories.get(push.item, 0) + new
        if not new or count <= self.history_limit:
            return None
        return Result(rev=push.rev, r="too_large", why="history")

    def _no_storage(
        self, push: HeadPush | SidePush, sent: EncodedPush
    ) -> Result | None:
        growth = self._growth(push, sent)
        if self.account.can_store(growth) or self._may_exceed(push, sent, growth):
            return None
        self.is_full = True
        return Result(rev=push.rev, r="quota", why="storage")

    def _may_exceed(
        self, push: HeadPush | SidePush, sent: EncodedPush, growth: int
    ) -> bool:
        """Return True for a deletion that adds little, which a full account accepts.

        A live prompt is deleted once, so the sum of these additions is bounded.
        """
        deletes = isinstance(push, HeadPush) and push.deleted
        if not deletes or not self._is_live(push.item) or self._new(sent):
            return False
        return growth <= _DELETION_ROOM

    def _new(self, sent: EncodedPush) -> dict[UUID, tuple[int, bytes]]:
        """Return the versions that are not stored yet."""
        known = self.known.versions
        return {id: each for id, each in sent.versions.items() if id not in known}

    def _growth(self, push: HeadPush | SidePush, sent: EncodedPush) -> int:
        """Return the bytes by which *push* changes what the account stores."""
        before = 0
        if isinstance(push, HeadPush) and push.item in self.known.heads:
            before = row_cost(None) + self.sizes.heads.get(push.item, 0)
        versions = sum(row_cost(payload) for _, payload in self._new(sent).values())
        return REVISION_BYTES + row_cost(sent.payload) - before + versions

    def _accept(self, push: HeadPush | SidePush, sent: EncodedPush) -> Result:
        self.seq += 1
        seq, known = self.seq, self._places(push)
        self.account.stored += self._growth(push, sent)
        size = len(sent.payload or b"")
        if isinstance(push, HeadPush):
            base = self._set_head(push, sent.payload)
            self.sizes.heads[push.item] = size
        else:
            base = push.base
            self._note_side(push.rev, Side(push.item, False, seq, sent.payload))
            self.sizes.sides[push.rev] = size
        revision = Revision(push.item, base, push.kind, seq, _hash(push, sent.payload))
        self.known.revisions[push.rev] = self.written.revisions[push.rev] = revision
        self._add_versions(push.item, sent)
        self._resolve(push)
        return _accepted(push.rev, seq, known)

    def _set_head(self, push: HeadPush, payload: bytes | None) -> UUID | None:
        """Set the head of a prompt, and return the revision that it replaces."""
        self._note_moves(push)
        before = self.known.heads.get(push.item)
        if before is not None and not before.deleted:
            self.account.count -= 1
            self.digest ^= head_digest(push.item, before.rev)
        if not push.deleted:
            self.account.count += 1
            self.digest ^= head_digest(push.item, push.rev)
        head = Head(push.rev, push.deleted, self.seq, payload)
        self.known.heads[push.item] = self.written.heads[push.item] = head
        return before and before.rev

    def _note_moves(self, push: HeadPush) -> None:
        """Record the protected labels that an accepted push moves."""
        if not (moved := self._moved(push)):
            return
        after = {} if push.deleted or push.payload is None else push.payload
        state = after or self._live_state(push.item) or {}
        name = str(state.get("name", "")).replace("\0", "")[:_LONGEST_SHOWN]
        labels = after.get("labels", {})
        self.moves += [
            LabelMove(label, push.item, name, labels.get(label)) for label in moved
        ]

    def _places(self, push: HeadPush | SidePush) -> list[Place]:
        versions = self.known.versions
        return [
            Place(id=each.id, seq=place.seq, position=place.position)
            for each in push.versions
            if (place := versions.get(each.id)) and place.item_id == push.item
        ]

    def _add_versions(self, item: UUID, sent: EncodedPush) -> None:
        number = self.sizes.histories.get(item, 0)
        for id, (position, payload) in self._new(sent).items():
            number += 1
            version = Version(item, self.seq, position, payload, number)
            self.known.versions[id] = self.written.versions[id] = version
        self.sizes.histories[item] = number

    def _resolve(self, push: Push) -> None:
        for rev in push.resolves:
            side = self.known.sides.get(rev)
            if side and side.item_id == push.item and not side.resolved:
                self.seq += 1
                self._note_side(rev, Side(push.item, True, self.seq))
                self.account.stored -= self.sizes.sides.pop(rev, 0)

    def _note_side(self, rev: UUID, side: Side) -> None:
        self.known.sides[rev] = self.written.sides[rev] = side


def _encoded(push: HeadPush | SidePush) -> EncodedPush:
    payload = payloads.encode(push.payload)
    is_deletion = isinstance(push, HeadPush) and push.deleted
    if push.payload is None and not is_deletion:
        raise UnusableError
    named = payloads.named_versions(push.payload) if push.payload is not None else set()
    return EncodedPush(payload, _encoded_versions(push.versions), named)


def _encoded_versions(
    versions: Iterable[VersionPush],
) -> dict[UUID, tuple[int, bytes]]:
    found: dict[UUID, tuple[int, bytes]] = {}
    for position, version in enumerate(versions):
        stored = payloads.encode_version(version)
        found.setdefault(version.id, (position, stored))
    return found


def _hash(push: HeadPush | SidePush, payload: bytes | None) -> bytes:
    deleted = isinstance(push, HeadPush) and push.deleted
    return payloads.fingerprint(push.kind, deleted, payload)


def _line(push: HeadPush) -> list[UUID]:
    """Return the revisions that the push descends from, newest first."""
    base = [] if push.base is None or push.base in push.chain else [push.base]
    return [*push.chain, *base]


def _accepted(rev: UUID, seq: int, known: list[Place]) -> Result:
    result = Result(rev=rev, r="ok", seq=seq)
    if known:
        result.known = known
    return result
