"""One request under way: pushes are decided under locks, then changes are read."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID, uuid4

from promptvault.server.database import Connection
from promptvault.server.sync.batch import named_by
from promptvault.server.sync.feed import FeedRepository, Page, PageSize
from promptvault.server.sync.ledger import Account, Ledger
from promptvault.server.sync.position import cursor_after, reason_to_resync
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
    Storage,
    SyncRequest,
    VaultAnswer,
    VaultRequest,
)

_WRITERS = {"owner", "editor"}

StorageLimit = Callable[[str], int | None]
"""Returns how many bytes an account on a plan may store, None without limit."""


class Exchange:
    """One request under way."""

    locks = LockRepository
    ledgers = LedgerRepository

    def __init__(
        self,
        connection: Connection,
        bearer: Bearer,
        device: UUID,
        limits: Limits,
        storage_limit: StorageLimit,
    ) -> None:
        self._connection, self._bearer = connection, bearer
        self._device, self._limits = device, limits
        self._storage_limit = storage_limit
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
        marks = {request.id: request.mark for request in requests}
        locks = self.locks(self._connection)
        for vault in await locks.lock(self._bearer.user_id, self._device, marks):
            self._vaults[vault.id] = vault
            self._accounts[vault.account_id] = Account(
                vault.prompt_limit,
                vault.prompt_count,
                self._storage_limit(vault.plan),
                vault.stored_bytes,
            )

    async def _answer(self, request: VaultRequest) -> VaultAnswer:
        """Do what is asked of one vault."""
        pushed = Pushed([])
        vault = self._vaults.get(request.id)
        if request.push:
            if vault is None:
                return VaultAnswer(id=request.id, status="gone")
            reason = reason_to_resync(request.cursor, request.mark, vault)
            if reason is None:
                pushed = await self._push(request.push, vault)
        return await self._read(request, pushed)

    async def _push(self, pushes: list[Push], vault: VaultState) -> "Pushed":
        user = self._bearer.user_id
        repository = self.ledgers(self._connection, vault.id)
        role, known, sizes = await repository.known(named_by(pushes), user)
        if Scope.SYNC_WRITE not in self._bearer.scopes or role not in _WRITERS:
            refused = [Result(rev=push.rev, r="forbidden") for push in pushes]
            return Pushed(refused, is_forbidden=True)
        ledger = Ledger(
            known=known,
            sizes=sizes,
            seq=vault.head_seq,
            digest=int.from_bytes(vault.digest),
            account=self._accounts[vault.account_id],
            payload_limit=self._limits.payload,
            history_limit=self._limits.history,
        )
        for push in pushes:
            ledger.decide(push)
        if ledger.seq != vault.head_seq:
            mark = uuid4()
            await repository.write(ledger, mark, vault.account_id, user, self._device)
            self._vaults[vault.id] = vault._replace(mark=mark)
            self.moved[vault.id] = ledger.seq
        return Pushed(ledger.results, ledger, {push.rev: push.item for push in pushes})

    def _feed(self, vault_id: UUID) -> FeedRepository:
        return FeedRepository(self._connection, vault_id, self._bearer.user_id)

    async def _read(self, request: VaultRequest, pushed: "Pushed") -> VaultAnswer:
        feed, cursor = self._feed(request.id), request.cursor
        size = PageSize(self._limits.items, self._limits.page_versions)
        page = self._empty_page(request, pushed) or await feed.page(
            self._device, cursor, request.mark, size, pushed.bare
        )
        if page is None:
            return VaultAnswer(id=request.id, status="gone")
        if reason := reason_to_resync(cursor, request.mark, page):
            start = Cursor(epoch=page.epoch, seq=0)
            return VaultAnswer(
                id=request.id, status="resync", reason=reason, cursor=start
            )
        if page.is_note_due and cursor.epoch:
            await feed.note(self._device, cursor.seq, self._bearer.token_id)
        told = {each.item for each in page.changes if each.t == "item"}
        wanted = [item for item in pushed.inline if item not in told]
        inline = page.take_in(await feed.heads(wanted, size, cursor.part))
        told |= {each.item for each in inline if each.t == "item"}
        return VaultAnswer(
            id=request.id,
            status=pushed.status,
            results=pushed.told(told),
            feed=[*pushed.without_own(page.changes), *inline],
            cursor=cursor_after(cursor, page, told),
            more=page.more,
            quota=self._quota(request.id, page, pushed),
            storage=self._storage(request.id, page),
            digest=page.digest.hex(),
            mark=page.mark,
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
            mark=vault.mark,
            plan=vault.plan,
            prompt_limit=vault.prompt_limit,
            prompt_count=ledger.account.count,
            stored_bytes=ledger.account.stored,
            is_note_due=vault.is_note_due,
            is_mark_known=vault.is_mark_known,
        )

    def _quota(self, vault_id: UUID, page: Page, pushed: "Pushed") -> Quota | None:
        if pushed.is_full:
            return None
        account = self._account(vault_id)
        used = page.prompt_count if account is None else account.count
        return Quota(limit=page.prompt_limit, used=used, over=pushed.over)

    def _storage(self, vault_id: UUID, page: Page) -> Storage:
        account = self._account(vault_id)
        used = page.stored_bytes if account is None else account.stored
        return Storage(limit=self._storage_limit(page.plan), used=used)

    def _account(self, vault_id: UUID) -> Account | None:
        """Return the account under its lock, None where nothing was pushed."""
        vault = self._vaults.get(vault_id)
        return self._accounts.get(vault.account_id) if vault else None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of the pushes to one vault."""

    results: list[Result]
    ledger: Ledger | None = None
    items: dict[UUID, UUID] = field(default_factory=dict)
    """Prompts, by the revision that was pushed."""
    is_forbidden: bool = False

    @property
    def status(self) -> Literal["ok", "quota", "forbidden"]:
        """The vault's part of the answer, in a word."""
        if self.over or self.is_full:
            return "quota"
        return "forbidden" if self.is_forbidden else "ok"

    def without_own(self, changes: list[Change]) -> list[Change]:
        """Return what others did: a device need not read what it has just sent."""
        own = self.ledger.written.revisions if self.ledger else {}
        return [each for each in changes if each.t == "resolved" or each.rev not in own]

    def told(self, items: Set[UUID]) -> list[Result]:
        """Return the results, but for those that make no sense without a head which is
        not among the *items* that are told: those pushes come again."""
        left = self.inline - items
        return (
            [
                each
                for each in self.results
                if self.items[each.rev] not in left
                or not (each.r == "conflict" or each.dup)
            ]
            if left
            else self.results
        )

    @property
    def inline(self) -> Set[UUID]:
        """Prompts whose head goes along in any case, in the order of the pushes."""
        return self.ledger.inline.keys() if self.ledger else set()

    @property
    def bare(self) -> set[UUID]:
        """Those of them of which the device has no version any more."""
        return self.ledger.bare if self.ledger else set()

    @property
    def over(self) -> list[UUID]:
        """Prompts that did not fit."""
        return self.ledger.over if self.ledger else []

    @property
    def is_full(self) -> bool:
        """Whether anything was refused for want of storage."""
        return self.ledger is not None and self.ledger.is_full
