"""One request of sync: pushes are decided under locks, then changes are read."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from promptvault.errors import NotFoundError, TooLargeError
from promptvault.server.database import Connection
from promptvault.server.settings import Settings
from promptvault.server.sync.batch import named_by
from promptvault.server.sync.feed import FeedRepository, Page, PageSize, version_read
from promptvault.server.sync.ledger import Account, Ledger
from promptvault.server.sync.position import (
    cursor_after,
    page_start,
    reason_to_resync,
)
from promptvault.server.sync.repository import (
    LedgerRepository,
    LockRepository,
    VaultState,
)
from promptvault.server.token.repository import Bearer
from promptvault.server.token.service import Scope
from promptvault.wire.sync import (
    PROTO,
    Change,
    Cursor,
    Limits,
    Push,
    Quota,
    Result,
    SyncAnswer,
    SyncRequest,
    VaultAnswer,
    VaultRequest,
    VersionsRead,
)

ITEMS_LIMIT = 500
PAYLOAD_LIMIT = 256 * 1024
_WRITERS = {"owner", "editor"}


def limits_of(settings: Settings) -> Limits:
    """Return by what devices cut their requests."""
    return Limits(
        items=ITEMS_LIMIT,
        bytes=settings.body_limit,
        inflated=settings.inflated_limit,
        payload=PAYLOAD_LIMIT,
    )


async def synchronise(
    connection: Connection, bearer: Bearer, request: SyncRequest, limits: Limits
) -> SyncAnswer:
    """Take what *request* pushes and return what its device has not read.

    Everything is done or nothing: the caller's transaction holds all of it. Raises
    TooLargeError where there are more pushes than the limits say.
    """
    if sum(len(vault.push) for vault in request.vaults) > limits.items:
        raise TooLargeError(f"A request may push {limits.items} changes at the most.")
    work = _Request(connection, bearer, request.device, limits)
    await work.lock([vault for vault in request.vaults if vault.push])
    answers = {
        vault.id: await work.answer(vault)
        for vault in sorted(request.vaults, key=lambda vault: vault.id)
    }
    await work.write_counts()
    return SyncAnswer(
        proto=PROTO,
        vaults=[answers[vault.id] for vault in request.vaults],
        limits=limits,
        end=True,
    )


async def versions_of(
    connection: Connection, bearer: Bearer, vault_id: UUID, item_id: UUID
) -> VersionsRead:
    """Return every version of a prompt; raises NotFoundError, also for a stranger."""
    feed = FeedRepository(connection, vault_id, bearer.user_id)
    rows = await feed.versions({item_id}, 0) if await feed.is_member() else []
    if not rows:
        raise NotFoundError("There is no such prompt.")
    return VersionsRead(versions=[version_read(row) for row in rows])


class _Request:
    """One request under way."""

    def __init__(
        self, connection: Connection, bearer: Bearer, device: UUID, limits: Limits
    ) -> None:
        self._connection, self._bearer = connection, bearer
        self._device, self._limits = device, limits
        self._locks = LockRepository(connection)
        self._vaults: dict[UUID, VaultState] = {}
        self._accounts: dict[UUID, Account] = {}
        self._counts: dict[UUID, int] = {}

    async def lock(self, requests: list[VaultRequest]) -> None:
        """Lock every vault that is pushed to, and then the accounts that pay."""
        if not requests:
            return
        ids = [request.id for request in requests]
        self._vaults = await self._locks.vaults(self._bearer.user_id, ids)
        accounts = {vault.account_id for vault in self._vaults.values()}
        self._accounts = await self._locks.accounts([*accounts])
        self._counts = {id: each.count for id, each in self._accounts.items()}

    async def write_counts(self) -> None:
        """Write down how many prompts the accounts have now, where that changed."""
        for id, account in self._accounts.items():
            if account.count != self._counts[id]:
                await self._locks.set_count(id, account.count)

    async def answer(self, request: VaultRequest) -> VaultAnswer:
        """Do what is asked of one vault."""
        pushed = _Pushed([])
        vault = self._vaults.get(request.id)
        if request.push:
            if vault is None:
                return VaultAnswer(id=request.id, status="gone")
            reason = reason_to_resync(request.cursor, vault)
            if reason is None:
                pushed = await self._push(request.push, vault)
        return await self._read(request, pushed)

    async def _push(self, pushes: list[Push], vault: VaultState) -> "_Pushed":
        can_write = Scope.SYNC_WRITE in self._bearer.scopes and vault.role in _WRITERS
        if not can_write:
            refused = [Result(rev=push.rev, r="forbidden") for push in pushes]
            return _Pushed(refused, is_forbidden=True)
        repository = LedgerRepository(self._connection, vault.id)
        ledger = Ledger(
            known=await repository.known(named_by(pushes)),
            seq=vault.head_seq,
            digest=int.from_bytes(vault.digest),
            account=self._accounts[vault.account_id],
            payload_limit=self._limits.payload,
        )
        for push in pushes:
            ledger.decide(push)
        if ledger.seq != vault.head_seq:
            await repository.write(ledger.written, self._bearer.user_id, self._device)
            await repository.advance(ledger.seq, ledger.digest_bytes)
        return _Pushed(ledger.results, ledger)

    async def _read(self, request: VaultRequest, pushed: "_Pushed") -> VaultAnswer:
        feed = FeedRepository(self._connection, request.id, self._bearer.user_id)
        cursor = request.cursor
        size = PageSize(self._limits.items)
        page = await feed.page(cursor.seq, page_start(cursor), size)
        if page is None:
            return VaultAnswer(id=request.id, status="gone")
        if reason := reason_to_resync(cursor, page):
            start = Cursor(epoch=page.epoch, seq=0)
            return VaultAnswer(
                id=request.id, status="resync", reason=reason, cursor=start
            )
        told = {each.item for each in page.changes if each.t == "item"}
        inline = await feed.heads(pushed.inline - told)
        return VaultAnswer(
            id=request.id,
            status=pushed.status,
            results=pushed.results,
            feed=[*pushed.without_own(page.changes), *inline],
            cursor=cursor_after(cursor, page),
            more=page.more,
            quota=self._quota(request.id, page, pushed),
            digest=page.digest.hex(),
        )

    def _quota(self, vault_id: UUID, page: Page, pushed: "_Pushed") -> Quota:
        vault = self._vaults.get(vault_id)
        account = self._accounts.get(vault.account_id) if vault else None
        used = page.prompt_count if account is None else account.count
        return Quota(limit=page.prompt_limit, used=used, over=pushed.over)


@dataclass(frozen=True, slots=True)
class _Pushed:
    """What became of the pushes to one vault."""

    results: list[Result]
    ledger: Ledger | None = None
    is_forbidden: bool = False

    @property
    def status(self) -> Literal["ok", "quota", "forbidden"]:
        """The vault's part of the answer, in a word."""
        if self.over:
            return "quota"
        return "forbidden" if self.is_forbidden else "ok"

    def without_own(self, changes: list[Change]) -> list[Change]:
        """Return what others did: a device need not read what it has just sent."""
        own = self.ledger.written.revisions if self.ledger else {}
        return [each for each in changes if each.t == "resolved" or each.rev not in own]

    @property
    def inline(self) -> set[UUID]:
        """Prompts whose head goes along in any case."""
        return self.ledger.inline if self.ledger else set()

    @property
    def over(self) -> list[UUID]:
        """Prompts that did not fit."""
        return self.ledger.over if self.ledger else []
