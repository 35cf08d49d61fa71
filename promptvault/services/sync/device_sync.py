"""The sync of all vaults of a device: their locks, their teams, and one report."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from promptvault.errors import ConflictError, PromptVaultError
from promptvault.home import PERSONAL
from promptvault.paths import Paths
from promptvault.services.sync.conductor import Conductor, Exchange
from promptvault.services.sync.last_sync import record_failure, record_success
from promptvault.services.sync.rounds import (
    WIPE,
    Direction,
    Progress,
    SyncReport,
    VaultSync,
)
from promptvault.services.vaults.leaving import leave_vault
from promptvault.services.vaults.local import (
    find_vault,
    in_vault,
    read_vault,
    vault_names,
)
from promptvault.services.vaults.roster import (
    apply_roster,
    store_roster,
)
from promptvault.services.workspace import Workspace
from promptvault.vault.lock import exclusive, exclusive_if_free
from promptvault.vault.sync.link import COMPARE_AGAIN
from promptvault.vault.sync.status import SyncStatus, total_status
from promptvault.wire.vault import VaultsRead

WIPED = "wiped"
"""The state of a vault that was deleted from this device; see `LocalVault.state`."""


@dataclass(slots=True)
class VaultOutcome:
    """What a sync did with one vault."""

    name: str
    report: SyncReport = field(default_factory=SyncReport)
    state: str = "active"
    """'active', 'frozen', 'left', or 'wiped'."""
    error: PromptVaultError | None = None
    saved: int = 0
    """Unsent edits that were copied into the personal vault before it was wiped."""


@dataclass(slots=True)
class DeviceReport(SyncReport):
    """What a sync did with all vaults: sums, and each of them."""

    vaults: list[VaultOutcome] = field(default_factory=list)
    roster: int | None = None
    """The number of the roster that the vaults were compared with, as in
    `wire.sync.SyncAnswer.roster`; None if they were not."""
    pay_by: datetime | None = None
    """When the plan ends because a payment has failed; None if none has."""


class HeldVaults:
    """The vaults whose lock of sync this process holds, until the stack is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.names: list[str] = []
        self.busy: list[str] = []
        """Vaults that another process syncs."""

    def hold(self, paths: Paths, on_wait: Callable[[], None] | None = None) -> None:
        """Hold a vault; if it is busy, wait for it only if *on_wait* is given."""
        if on_wait:
            self._stack.enter_context(exclusive(paths.sync_lock, on_wait))
        elif not self._stack.enter_context(exclusive_if_free(paths.sync_lock)):
            self.busy.append(paths.vault)
            return
        self.names.append(paths.vault)


@contextlib.contextmanager
def hold_vaults(
    paths: Paths, only: str | None, on_wait: Callable[[], None]
) -> Iterator[HeldVaults]:
    """Hold the lock of sync of one vault, or of all that are not busy, in their order.

    It waits for the one, or for the personal vault. Raise NotFoundError, VaultError.
    """
    with ExitStack() as stack:
        held = HeldVaults(stack)
        if only:
            held.hold(find_vault(paths, only), on_wait)
        else:
            held.hold(paths.of(PERSONAL), on_wait)
            for name in vault_names(paths)[1:]:
                held.hold(paths.of(name))
        yield held


class DeviceSync:
    """One sync of the vaults that are held."""

    def __init__(
        self,
        workspace: Workspace,
        exchange: Exchange,
        read_roster: Callable[[], VaultsRead],
        server: str,
        held: HeldVaults,
    ) -> None:
        self._workspace, self._read_roster = workspace, read_roster
        self._conductor = Conductor(exchange)
        self._server, self._held = server, held
        self._outcomes: dict[str, VaultOutcome] = {}
        self._roster: int | None = None
        """See `DeviceReport.roster`."""
        self._compares = False
        """Whether the vaults are to be compared even if the roster is the same."""

    def run(
        self, direction: Direction, on_progress: Callable[[Progress], None]
    ) -> DeviceReport:
        """Sync; raise the errors of the exchange, or the error of the only vault."""
        names = [name for name in [*self._held.names] if self._is_to_sync(name)]
        try:
            self._sync(names, direction, on_progress)
            self._sync(self._compare(), direction, on_progress)
        except PromptVaultError as error:
            for name in names:
                record_failure(self._paths(name).sync_record, str(error))
            raise
        for name in self._held.busy:
            message = "Another process is syncing this vault."
            self._outcomes[name] = VaultOutcome(name, error=ConflictError(message))
        return self._report()

    def _paths(self, name: str) -> Paths:
        return self._workspace.paths.of(name)

    def _is_to_sync(self, name: str) -> bool:
        """Return True if a vault is linked to this server, and was not left."""
        if name == PERSONAL:
            return True
        try:
            found = read_vault(self._paths(name))
        except PromptVaultError as error:
            self._outcomes[name] = VaultOutcome(name, error=error)
            return False
        if found.is_wiping:
            self._wipe_rest(name)
            return False
        is_here = found.link is not None and found.link.server == self._server
        return is_here and found.state != "left"

    def _wipe_rest(self, name: str) -> None:
        """Delete a vault that a killed sync was about to delete."""
        outcome = self._outcomes[name] = VaultOutcome(name, state=WIPED)
        try:
            vault = in_vault(self._workspace, name)
            outcome.saved = leave_vault(vault, wipe=True)
            self._held.names.remove(name)
        except PromptVaultError as error:
            outcome.error = error

    def _sync(
        self,
        names: Sequence[str],
        direction: Direction,
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Sync vaults, and add what was done to their outcomes."""
        syncs: list[VaultSync] = []

        def progressed(progress: Progress) -> None:
            on_progress(progress if len(syncs) == 1 else _total_progress(syncs))

        for name in names:
            vault = in_vault(self._workspace, name)
            syncs.append(VaultSync(vault, direction, progressed))
        self._conductor.run(syncs)
        for sync in syncs:
            self._end(sync)

    def _end(self, sync: VaultSync) -> None:
        before = self._outcomes.get(sync.name)
        if before:
            sync.report.counts.add(before.report.counts)
            sync.report.round_trips += before.report.round_trips
        outcome = VaultOutcome(sync.name, sync.report, error=sync.error)
        self._outcomes[sync.name] = outcome
        record = self._paths(sync.name).sync_record
        try:
            if sync.on_leave:
                self._leave(outcome, sync.on_leave)
                return
            if sync.team and sync.team.frozen:
                outcome.state = "frozen"
        except PromptVaultError as error:
            outcome.error = outcome.error or error
        if outcome.error:
            record_failure(record, str(outcome.error))
        else:
            record_success(record)

    def _leave(self, outcome: VaultOutcome, on_leave: str) -> None:
        """Keep or wipe a vault, unless this device is signed in as another user."""
        personal = self._outcomes.get(PERSONAL)
        if personal and personal.error:
            return
        wipe = on_leave == WIPE
        vault = in_vault(self._workspace, outcome.name)
        outcome.saved = leave_vault(vault, wipe=wipe)
        outcome.state = WIPED if wipe else "left"
        outcome.report.status = SyncStatus()  # nothing is sent from it any more
        if wipe:
            self._held.names.remove(outcome.name)
        if read_vault(self._paths(PERSONAL)).link:
            # The user may be let in again.
            store_roster(self._workspace, COMPARE_AGAIN)
            self._compares = True

    def _compare(self) -> list[str]:
        """Compare the vaults with the roster; return the names of those to sync."""
        personal = self._outcomes.get(PERSONAL)
        self._roster = roster = self._conductor.roster
        if personal is None or personal.error or roster is None:
            return []
        link = personal.report.status.link
        if link is None or (roster == link.roster and not self._compares):
            return []
        vaults = self._read_roster()
        # The requests that follow may be answered with a newer one.
        self._roster = vaults.roster
        changes = apply_roster(self._workspace, link, vaults, self._held.names)
        for name, error in changes.errors.items():
            self._outcomes.setdefault(name, VaultOutcome(name)).error = error
        for old, new in changes.renamed.items():
            outcome = self._outcomes.pop(old, VaultOutcome(new))
            outcome.name = new
            self._outcomes[new] = outcome
        for name in changes.to_sync:
            if name not in (*self._held.names, *changes.renamed.values()):
                self._held.hold(self._paths(name))
        return [name for name in changes.to_sync if name not in self._held.busy]

    def _report(self) -> DeviceReport:
        """Return the sums; raise the error of the only vault."""
        outcomes = sorted(
            self._outcomes.values(), key=lambda each: (each.name != PERSONAL, each.name)
        )
        if len(outcomes) == 1 and outcomes[0].error:
            raise outcomes[0].error
        report = DeviceReport(vaults=outcomes)
        for outcome in outcomes:
            report.counts.add(outcome.report.counts)
        report.status = total_status(each.report.status for each in outcomes)
        if PERSONAL in self._outcomes:
            report.roster = self._roster
        report.round_trips = self._conductor.round_trips
        report.pay_by = self._conductor.pay_by
        return report


def _total_progress(syncs: Sequence[VaultSync]) -> Progress:
    known = [
        sync.progress.to_receive
        for sync in syncs
        if sync.progress.to_receive is not None
    ]
    return Progress(
        sum(sync.progress.pushed for sync in syncs),
        sum(sync.progress.to_push for sync in syncs),
        sum(sync.progress.received for sync in syncs),
        sum(known) if known else None,
    )
