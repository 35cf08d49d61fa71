"""Answering one sync request: apply the pushes under locks, then read changes."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from promptvault.domain.team import Frozen, Right
from promptvault.server.database import Connection
from promptvault.server.sync.cursor import cursor_after, reason_to_resync
from promptvault.server.sync.feed import FeedRepository, Page, PageSize
from promptvault.server.sync.push_rules import Account, VaultUpdate
from promptvault.server.sync.pushed_ids import find_pushed_ids
from promptvault.server.sync.repository import (
    LockRepository,
    Standing,
    VaultRepository,
    VaultState,
)
from promptvault.server.token.repository import Bearer, TokenRepository
from promptvault.server.token.service import Scope, invalid_token
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

StorageLimit = Callable[[str], int | None]
"""Returns how many bytes an account on a plan may store; None if there is no limit."""


class Exchange:
    """One sync request of a device."""

    lock_repository = LockRepository
    vault_repository = VaultRepository

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
        self.roster = bearer.roster
        """Of the bearer, once `run` has confirmed it."""
        self.pay_by: datetime | None = None
        """When the bearer's plan ends because a payment has failed."""
        self.moved: dict[UUID, int] = {}
        """Vaults that were changed, with their new sequence numbers."""

    async def run(self, request: SyncRequest) -> list[VaultAnswer]:
        """Return the answer of each vault, in the order of the request."""
        await self._lock([vault for vault in request.vaults if vault.push])
        answers = {
            vault.id: await self._answer(vault)
            for vault in sorted(request.vaults, key=lambda vault: vault.id)
        }
        return [answers[vault.id] for vault in request.vaults]

    async def _lock(self, requests: list[VaultRequest]) -> None:
        """Lock the vaults that are pushed to, and their accounts.

        The same statement confirms the token, if that is still to be done.
        """
        bearer = self._bearer
        marks = {request.id: request.mark for request in requests}
        unconfirmed = None if bearer.is_confirmed else bearer.token_id
        locks = self.lock_repository(self._connection)
        locked = (
            await locks.lock(bearer.user_id, self._device, marks, unconfirmed)
            if requests
            else []
        )
        if unconfirmed is not None:
            await self._confirm(locked)
        for vault in locked:
            self._vaults[vault.id] = vault
            self._accounts[vault.account_id] = Account(
                vault.prompt_limit,
                vault.prompt_count,
                self._storage_limit(vault.plan),
                vault.stored_bytes,
            )

    async def _confirm(self, locked: list[VaultState]) -> None:
        """Raise AuthenticationError if the token has ended since it became known."""
        bearer = self._bearer
        if locked:
            roster = locked[0].roster
        else:
            tokens = TokenRepository(self._connection)
            roster = await tokens.valid_roster(bearer.token_id, bearer.user_id)
        if roster is None:
            raise invalid_token()
        self.roster = roster

    async def _answer(self, request: VaultRequest) -> VaultAnswer:
        pushed = PushOutcome([])
        vault = self._vaults.get(request.id)
        if request.push:
            if vault is None:
                return await self._gone(request.id)
            reason = reason_to_resync(request.cursor, request.mark, vault)
            if reason is None:
                pushed = await self._push(request.push, vault)
        return await self._read(request, pushed)

    async def _push(self, pushes: list[Push], vault: VaultState) -> "PushOutcome":
        user = self._bearer.user_id
        repository = self.vault_repository(self._connection, vault.id)
        ids = find_pushed_ids(pushes)
        standing, known, sizes = await repository.read_known(ids, user)
        if Scope.SYNC_WRITE not in self._bearer.scopes:
            return _refused(pushes)
        if why := _why_refused(vault, standing):
            return _refused(pushes, why)
        update = VaultUpdate(
            known=known,
            sizes=sizes,
            seq=vault.head_seq,
            digest=int.from_bytes(vault.digest),
            account=self._accounts[vault.account_id],
            payload_limit=self._limits.payload,
            history_limit=self._limits.history,
            rules=standing.rules,
            may_move_labels=standing.has(Right.MOVE_PROTECTED),
        )
        for push in pushes:
            update.decide(push)
        if update.seq != vault.head_seq:
            mark = uuid4()
            await repository.write(update, mark, vault.account_id, user, self._device)
            self._vaults[vault.id] = vault._replace(mark=mark)
            self.moved[vault.id] = update.seq
        if update.moves:
            await repository.note_moves(update.moves, vault.account_id, user)
        items = {push.rev: push.item for push in pushes}
        return PushOutcome(update.results, update, items)

    async def _gone(self, vault_id: UUID) -> VaultAnswer:
        """Return the answer for a vault of which the user is not, or no longer, a
        member.

        A device that has synced the vault learns what to do with its copy.
        """
        on_leave = await self._feed(vault_id).read_on_leave(self._device)
        if on_leave is None:
            return VaultAnswer(id=vault_id, status="gone")
        return VaultAnswer(id=vault_id, status="gone", on_leave=on_leave)

    def _feed(self, vault_id: UUID) -> FeedRepository:
        return FeedRepository(self._connection, vault_id, self._bearer.user_id)

    async def _read(self, request: VaultRequest, pushed: "PushOutcome") -> VaultAnswer:
        feed, cursor = self._feed(request.id), request.cursor
        size = PageSize(self._limits.items, self._limits.page_versions)
        page = self._empty_page(request, pushed) or await feed.page(
            self._device, cursor, request.mark, size, pushed.bare
        )
        if page is None:
            return await self._gone(request.id)
        self.pay_by = self.pay_by or page.pay_by
        if reason := reason_to_resync(cursor, request.mark, page):
            start = Cursor(epoch=page.epoch, seq=0)
            return VaultAnswer(
                id=request.id, status="resync", reason=reason, cursor=start
            )
        if page.is_note_due and cursor.epoch:
            await feed.store_cursor(self._device, cursor.seq, self._bearer.token_id)
        answered = {each.item for each in page.changes if each.t == "item"}
        wanted = [item for item in pushed.inline if item not in answered]
        heads = await feed.heads(wanted, size, cursor.part)
        inline = page.add_heads(heads)
        answered |= {each.item for each in inline if each.t == "item"}
        return VaultAnswer(
            id=request.id,
            status=pushed.status,
            results=pushed.results_with(answered),
            feed=[*pushed.without_own(page.changes), *inline],
            cursor=cursor_after(cursor, page, answered),
            more=page.more,
            quota=self._quota(request.id, page, pushed),
            storage=self._storage(request.id, page),
            digest=page.digest.hex(),
            mark=page.mark,
        )

    def _empty_page(self, request: VaultRequest, pushed: "PushOutcome") -> Page | None:
        """Return the page for a device that has read everything but its own push.

        While the vault is locked, this needs no query. Returns None if there may be
        other changes.
        """
        vault, update = self._vaults.get(request.id), pushed.update
        own = self._bearer.account_id
        if vault is None or update is None or update.written.sides:
            return None
        if request.cursor.seq != vault.head_seq:
            return None
        return Page(
            epoch=vault.epoch,
            head_seq=update.seq,
            gc_horizon=vault.gc_horizon,
            digest=update.digest_bytes,
            mark=vault.mark,
            plan=vault.plan,
            prompt_limit=vault.prompt_limit,
            prompt_count=update.account.count,
            stored_bytes=update.account.stored,
            pay_by=vault.pay_by if vault.account_id == own else None,
            is_note_due=vault.is_note_due,
            is_mark_known=vault.is_mark_known,
        )

    def _quota(self, vault_id: UUID, page: Page, pushed: "PushOutcome") -> Quota | None:
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
        """Return the locked account; None if nothing was pushed to the vault."""
        vault = self._vaults.get(vault_id)
        return self._accounts.get(vault.account_id) if vault else None


def _why_refused(vault: VaultState, standing: Standing) -> str | None:
    """Return why a member may not push, as in `Result.why`; None if the member may."""
    if not standing.has(Right.WRITE):
        return "role"
    # To let admins write keeps a team alive whose plan has become too small.
    if vault.frozen_why == Frozen.PLAN and standing.has(Right.MANAGE_MEMBERS):
        return None
    return vault.frozen_why


def _refused(pushes: list[Push], why: str | None = None) -> "PushOutcome":
    refused = [Result(rev=push.rev, r="forbidden", why=why) for push in pushes]
    return PushOutcome(refused, is_forbidden=True)


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """The results of the pushes to one vault."""

    results: list[Result]
    update: VaultUpdate | None = None
    items: dict[UUID, UUID] = field(default_factory=dict)
    """The prompt of each pushed revision."""
    is_forbidden: bool = False

    @property
    def status(self) -> Literal["ok", "quota", "forbidden"]:
        """The status in the vault's answer."""
        if self.over or self.is_full:
            return "quota"
        return "forbidden" if self.is_forbidden else "ok"

    def without_own(self, changes: list[Change]) -> list[Change]:
        """Return *changes* without those that the device has just pushed."""
        own = self.update.written.revisions if self.update else {}
        return [each for each in changes if each.t == "resolved" or each.rev not in own]

    def results_with(self, items: Set[UUID]) -> list[Result]:
        """Return the results for an answer with the heads of *items*.

        Results that the device cannot use without a head that is not in the answer are
        left out. The device sends these pushes again.
        """
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
        """Prompts whose head the answer should contain, in the order of the pushes."""
        return self.update.inline.keys() if self.update else set()

    @property
    def bare(self) -> set[UUID]:
        """Those of them of which the device has deleted all versions."""
        return self.update.bare if self.update else set()

    @property
    def over(self) -> list[UUID]:
        """Prompts that were refused because of the prompt limit."""
        return self.update.over if self.update else []

    @property
    def is_full(self) -> bool:
        """Whether a push was refused because of the storage limit."""
        return self.update is not None and self.update.is_full
