"""One request under way: pushes are decided under locks, then changes are read."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from promptvault.server.database import Connection
from promptvault.server.sync.batch import named_by
from promptvault.server.sync.feed import PAGE_BYTES, FeedRepository, Page, PageSize
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
    Change,
    Cursor,
    Limits,
    Push,
    Quota,
    Result,
    SyncRequest,
    VaultAnswer,
    VaultRequest,
)

_WRITERS = {"owner", "editor"}


class Exchange:
    """One request under way."""

    locks = LockRepository
    ledgers = LedgerRepository

    def __init__(
        self, connection: Connection, bearer: Bearer, device: UUID, limits: Limits
    ) -> None:
        self._connection, self._bearer = connection, bearer
        self._device, self._limits = device, limits
        self._vaults: dict[UUID, VaultState] = {}
        self._accounts: dict[UUID, Account] = {}
        self.moved: dict[UUID, int] = {}
        """Vaults in which something was written, and where they stand then."""

    async def run(self, request: SyncRequest) -> list[VaultAnswer]:
        """Return what each vault has for the device, in the order of the request."""
        await self._lock([vault for vault in request.vaults if vault.push])
        answers = {
            vault.id: await self._answer(vault)
            for vault in sorted(request.vaults, key=lambda vault: vault.id)
        }
        return [answers[vault.id] for vault in request.vaults]

    async def _lock(self, requests: list[VaultRequest]) -> None:
        """Lock every vault that is pushed to, and then the accounts that pay."""
        if not requests:
            return
        ids = [request.id for request in requests]
        locks = self.locks(self._connection)
        for vault in await locks.lock(self._bearer.user_id, self._device, ids):
            self._vaults[vault.id] = vault
            self._accounts[vault.account_id] = Account(
                vault.prompt_limit, vault.prompt_count
            )

    async def _answer(self, request: VaultRequest) -> VaultAnswer:
        """Do what is asked of one vault."""
        pushed = Pushed([])
        vault = self._vaults.get(request.id)
        if request.push:
            if vault is None:
                return VaultAnswer(id=request.id, status="gone")
            reason = reason_to_resync(request.cursor, vault)
            if reason is None:
                pushed = await self._push(request.push, vault)
        return await self._read(request, pushed)

    async def _push(self, pushes: list[Push], vault: VaultState) -> "Pushed":
        user = self._bearer.user_id
        repository = self.ledgers(self._connection, vault.id)
        role, known = await repository.known(named_by(pushes), user)
        if Scope.SYNC_WRITE not in self._bearer.scopes or role not in _WRITERS:
            refused = [Result(rev=push.rev, r="forbidden") for push in pushes]
            return Pushed(refused, is_forbidden=True)
        ledger = Ledger(
            known=known,
            seq=vault.head_seq,
            digest=int.from_bytes(vault.digest),
            account=self._accounts[vault.account_id],
            payload_limit=self._limits.payload,
        )
        await self._decide(ledger, pushes, self._feed(vault.id))
        if ledger.seq != vault.head_seq:
            await repository.write(ledger, vault.account_id, user, self._device)
            self.moved[vault.id] = ledger.seq
        return Pushed(ledger.results, ledger)

    async def _decide(
        self, ledger: Ledger, pushes: list[Push], feed: FeedRepository
    ) -> None:
        """Decide one push after the other, until the heads that go along fill a page.

        Those that remain get no result, so the device sends them again.
        """
        room, sizes = PAGE_BYTES, None
        for push in pushes:
            known = len(ledger.inline)
            ledger.decide(push)
            if len(ledger.inline) == known:
                continue
            if sizes is None:
                sizes = await feed.sizes({each.item for each in pushes})
            room -= sizes.get(push.item, 0)
            if room < 0:
                return

    def _feed(self, vault_id: UUID) -> FeedRepository:
        return FeedRepository(self._connection, vault_id, self._bearer.user_id)

    async def _read(self, request: VaultRequest, pushed: "Pushed") -> VaultAnswer:
        feed, cursor = self._feed(request.id), request.cursor
        page = self._empty_page(request, pushed) or await feed.page(
            self._device,
            cursor.seq,
            page_start(cursor),
            PageSize(self._limits.items),
            pushed.bare,
        )
        if page is None:
            return VaultAnswer(id=request.id, status="gone")
        if reason := reason_to_resync(cursor, page):
            start = Cursor(epoch=page.epoch, seq=0)
            return VaultAnswer(
                id=request.id, status="resync", reason=reason, cursor=start
            )
        if page.is_note_due and cursor.epoch:
            await feed.note(self._device, cursor.seq, self._bearer.token_id)
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

    def _empty_page(self, request: VaultRequest, pushed: "Pushed") -> Page | None:
        """Return the page of a device that had read all, so that only its own is new.

        Under the lock that is known without a look. None where there may be more.
        """
        vault, ledger = self._vaults.get(request.id), pushed.ledger
        if vault is None or ledger is None or ledger.written.sides:
            return None
        if request.cursor.seq != vault.head_seq:
            return None
        return Page(
            epoch=vault.epoch,
            head_seq=ledger.seq,
            gc_horizon=vault.gc_horizon,
            digest=ledger.digest_bytes,
            prompt_limit=vault.prompt_limit,
            prompt_count=ledger.account.count,
            is_note_due=vault.is_note_due,
        )

    def _quota(self, vault_id: UUID, page: Page, pushed: "Pushed") -> Quota:
        vault = self._vaults.get(vault_id)
        account = self._accounts.get(vault.account_id) if vault else None
        used = page.prompt_count if account is None else account.count
        return Quota(limit=page.prompt_limit, used=used, over=pushed.over)


@dataclass(frozen=True, slots=True)
class Pushed:
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
    def bare(self) -> set[UUID]:
        """Those of them of which the device has no version any more."""
        return self.ledger.bare if self.ledger else set()

    @property
    def over(self) -> list[UUID]:
        """Prompts that did not fit."""
        return self.ledger.over if self.ledger else []
