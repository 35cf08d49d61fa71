"""The requests of a sync: each has a part of every vault that is not done yet."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from promptvault.errors import PromptVaultError, TooLargeError, UnavailableError
from promptvault.services.read_ahead import batched, read_ahead
from promptvault.services.sync.rounds import (
    Direction,
    Progress,
    SyncReport,
    VaultSync,
)
from promptvault.services.workspace import Workspace
from promptvault.vault.sync.link import Link
from promptvault.vault.sync.push import BatchLimits
from promptvault.wire.sync import (
    MAX_VAULTS,
    PROTO,
    Limits,
    SyncAnswer,
    VaultAnswer,
)

Exchange = Callable[[bytes], SyncAnswer]
"""Sends a request, which is JSON, and returns the answer."""
_Parts = Mapping[VaultSync, dict[str, Any]]
_Answers = dict[VaultSync, VaultAnswer]

_GROUP = 5000
"""Changes, or versions in them, that are applied in one transaction. A transaction
costs as much as a thousand of them."""


def sync_vault(
    workspace: Workspace,
    exchange: Exchange,
    direction: Direction = Direction(),  # noqa: B008 - it never changes
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> SyncReport:
    """Send the changes of one vault and apply those of other devices.

    An error leaves the vault consistent, and the next sync continues. Raise the errors
    of *exchange*, PermissionDeniedError if the vault is no longer the user's,
    UnavailableError for an invalid answer, and VaultError.
    """
    sync = VaultSync(workspace, direction, on_progress)
    Conductor(exchange).run([sync])
    if sync.error:
        raise sync.error
    return sync.report


class Conductor:
    """Syncs several vaults with one server, all in the same requests.

    An error of one vault ends the sync of that vault alone, and is stored in it.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._limits = BatchLimits()
        self.round_trips = 0
        self.roster: int | None = None
        """`wire.sync.SyncAnswer.roster` of the last answer."""
        self.pay_by: datetime | None = None
        """`wire.sync.SyncAnswer.pay_by` of the last answer."""

    def run(self, syncs: Sequence[VaultSync]) -> None:
        """Send requests until every vault is done; raise the errors of the exchange."""
        for sync in syncs:
            with _failing(sync):
                sync.start()
        while active := [sync for sync in syncs if not sync.is_done]:
            self._round(active[:MAX_VAULTS])
        for sync in syncs:
            with _failing(sync):
                sync.finish()

    def _round(self, syncs: Sequence[VaultSync]) -> None:
        """Send one request, or read the pages of the vaults that catch up."""
        parts = self._parts(syncs)
        if behind := [sync for sync in parts if sync.is_catching_up]:
            self._catch_up(behind)
            return
        for sync, answer in self._send(parts).items():
            with _failing(sync):
                sync.take(answer)

    def _parts(self, syncs: Sequence[VaultSync]) -> _Parts:
        """Return the parts of the next request."""
        for sync in syncs:
            with _failing(sync):
                sync.prepare()
        if len(syncs) == 1:
            return self._part(syncs[0], self._limits)
        idle, busy = self._sorted(syncs)
        parts = dict[VaultSync, dict[str, Any]]()
        for sync in idle:
            parts |= self._part(sync, self._limits._replace(changes=0))
        left = self._limits
        # Those with few changes choose first: what they leave is for the others. Not
        # even one change of each may fit into a request; then some wait for the next.
        while busy and (left.changes > 0 or not parts):
            sync = busy.pop(0)
            parts |= self._part(sync, _share(left, len(busy) + 1))
            left = _rest(left, parts.get(sync))
        return parts

    def _sorted(
        self, syncs: Sequence[VaultSync]
    ) -> tuple[list[VaultSync], list[VaultSync]]:
        """Return the vaults without changes to send, and the others by their number."""
        wanted = dict[VaultSync, int]()
        for sync in syncs:
            with _failing(sync):
                wanted[sync] = 0 if sync.is_done else sync.wanted()
        idle = [sync for sync, number in wanted.items() if not number]
        busy = [sync for sync, number in wanted.items() if number]
        return idle, sorted(busy, key=lambda sync: wanted[sync])

    def _part(self, sync: VaultSync, room: BatchLimits) -> _Parts:
        with _failing(sync):
            if not sync.is_done:
                return {sync: sync.part(room)}
        return {}

    def _send(self, parts: _Parts) -> _Answers:
        """Return the answers; none if the request must be smaller."""
        if not parts:
            return {}
        self.round_trips += 1
        for sync in parts:
            sync.report.round_trips += 1
        try:
            answer = self._exchange(_request(parts))
        except TooLargeError:
            self._make_smaller(parts)
            return {}
        self._limits = _lower_limits(answer.limits, self._limits)
        if answer.roster is not None:
            self.roster = answer.roster
        self.pay_by = answer.pay_by
        return _dealt(parts, answer)

    def _make_smaller(self, parts: _Parts) -> None:
        """Lower the limits, or hold back a single change that is too large."""
        pushes = sum(sync.pushes for sync in parts)
        if not pushes:
            raise UnavailableError("The server accepts no request: try again later.")
        if pushes > 1:
            smaller = max(1, self._limits.bytes // 2)
            self._limits = self._limits._replace(changes=pushes // 2, bytes=smaller)
            return
        for sync in parts:
            if sync.pushes:
                with _failing(sync):
                    sync.hold_too_large()

    def _catch_up(self, syncs: Sequence[VaultSync]) -> None:
        """Read the whole vaults of the server, some pages ahead; send nothing."""
        for sync in syncs:
            with _failing(sync):
                sync.catch_up()
        reading = [sync for sync in syncs if not sync.is_done]
        useless = set[VaultSync]()
        """Those whose further pages are of no use."""
        with contextlib.closing(read_ahead(self._pages(reading, useless))) as pages:
            for group in batched(pages, _GROUP, _weight):
                for sync in reading:
                    found = [page[sync] for page in group if sync in page]
                    if found and not _take_pages(sync, found):
                        useless.add(sync)
                if len(useless) == len(reading):
                    break
        for sync in reading:
            with _failing(sync):
                sync.end_catch_up()

    def _pages(
        self, syncs: Sequence[VaultSync], useless: Collection[VaultSync]
    ) -> Iterator[_Answers]:
        """Yield the next page of each vault until all are read."""
        links = {sync: sync.link for sync in syncs}
        while links:
            parts = {sync: sync.page(link) for sync, link in links.items()}
            answers = self._send(parts)
            for sync, answer in answers.items():
                sync.count(answer)
            yield answers
            following = {
                sync: _next_page(sync, links[sync], answer)
                for sync, answer in answers.items()
                if sync not in useless
            }
            links = {sync: link for sync, link in following.items() if link}


def _take_pages(sync: VaultSync, pages: Sequence[VaultAnswer]) -> bool:
    """Apply pages; return False if those that follow are of no use."""
    with _failing(sync):
        return sync.take_pages(pages)
    return False


def _next_page(sync: VaultSync, link: Link, answer: VaultAnswer) -> Link | None:
    """Return where the page after *answer* begins; None if it is the last one."""
    if answer.status != "ok" or not answer.more:
        return None
    if not answer.feed or answer.cursor is None:
        sync.fail(UnavailableError("The server's answer is not valid: try again."))
        return None
    return link.with_cursor(answer.cursor, answer.mark)


@contextlib.contextmanager
def _failing(sync: VaultSync) -> Iterator[None]:
    """End the sync of one vault if the block raises a PromptVaultError."""
    try:
        yield
    except PromptVaultError as error:
        sync.fail(error)


def _request(parts: _Parts) -> bytes:
    request = {
        "proto": PROTO,
        "device": next(iter(parts)).link.device,
        "vaults": list(parts.values()),
    }
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def _dealt(parts: _Parts, answer: SyncAnswer) -> _Answers:
    """Return the answer of each vault; a vault without exactly one has failed."""
    found = dict[str, list[VaultAnswer]]()
    for each in answer.vaults:
        found.setdefault(str(each.id), []).append(each)
    answers = _Answers()
    for sync, part in parts.items():
        match found.get(part["id"]):
            case [only]:
                answers[sync] = only
            case _:
                message = "The server's answer is for another vault: try again."
                sync.fail(UnavailableError(message))
    return answers


def _weight(page: _Answers) -> int:
    return sum(
        max(len(answer.feed), sum(len(change.versions) for change in answer.feed))
        for answer in page.values()
    )


def _share(left: BatchLimits, vaults: int) -> BatchLimits:
    """Return the share of the limits for the next of so many vaults."""
    return left._replace(
        changes=max(1, left.changes // vaults),
        bytes=left.bytes // vaults,
        versions=left.versions // vaults,
    )


def _rest(left: BatchLimits, part: dict[str, Any] | None) -> BatchLimits:
    """Return the limits without the size of *part*."""
    pushes = part["push"] if part else []
    size = len(json.dumps(pushes, ensure_ascii=False)) if pushes else 0
    return left._replace(
        changes=left.changes - len(pushes),
        bytes=max(0, left.bytes - size),
        versions=max(
            0, left.versions - sum(len(push.get("versions", ())) for push in pushes)
        ),
    )


def _lower_limits(limits: Limits, ours: BatchLimits) -> BatchLimits:
    """Return the limits of the next request; they never grow."""
    return BatchLimits(
        min(ours.changes, limits.items),
        # Compression halves the texts of prompts at least.
        min(ours.bytes, limits.bytes * 2, limits.inflated * 3 // 4),
        limits.payload,
        limits.versions,
    )
