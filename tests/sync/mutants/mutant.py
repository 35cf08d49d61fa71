"""The bugs: an exact piece of one module, and its replacement."""

import contextlib
import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple


class Mutant(NamedTuple):
    """A bug, and the scenario or the test that finds it soonest."""

    name: str
    module: str
    """Path within the package."""
    old: str
    new: str
    scenario: str = "Sync"
    first: int = 0
    """The first seed to try: one that finds the bug, to save time."""
    test: str = ""
    """A test below tests/server that finds it, if that is sooner or surer."""

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Let the functions of the module have the bug, until the end.

        Their code is exchanged, so it does not matter who has imported them. Raises
        ValueError if the module does not contain the piece any more.
        """
        module = import_module(f"promptvault.{self.module[:-3].replace('/', '.')}")
        path = Path(module.__file__ or "")
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.module} does not contain this text any more.")
        with_bug = compile(text.replace(self.old, self.new), path, "exec")
        found = {code.co_qualname: code for code in _codes(with_bug)}
        functions = _functions(module.__name__)
        correct = [function.__code__ for function in functions]
        for function in functions:
            function.__code__ = found[function.__code__.co_qualname]
        try:
            yield
        finally:
            for function, code in zip(functions, correct, strict=True):
                function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _functions(module: str) -> list[FunctionType]:
    """Return the functions and methods in the text of a module, decorated or not."""
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, FunctionType)
        and each.__module__ == module
        and each.__code__.co_filename == sys.modules[module].__file__
    ]


MUTANTS = (
    Mutant(
        "the last writer wins",
        "server/sync/push_rules.py",
        "        if push.base is None if head is None else head.rev in _line(push):\n",
        "        if True:\n",
    ),
    Mutant(
        "an accepted change is not recognised",
        "server/sync/push_rules.py",
        "        if push.rev in self.known.revisions:\n",
        "        if False:\n",
        first=6,
    ),
    Mutant(
        "the cursor moves before the page is applied",
        "services/sync/rounds.py",
        """            try:
                with bulk_transaction(writer.connection):
                    context = self._context()
""",
        """            try:
                if answers[-1].cursor and answers[-1].status != "resync":
                    from promptvault.vault.sync.link import save_link

                    with bulk_transaction(writer.connection):
                        link = get_link(writer.connection)
                        last = answers[-1]
                        moved = link.with_cursor(last.cursor, last.mark)
                        save_link(writer.connection, moved)
                with bulk_transaction(writer.connection):
                    context = self._context()
""",
        first=4,
    ),
    Mutant(
        "an acknowledgement covers later changes",
        "vault/sync/push_result.py",
        "        self.server_state.set(item, rev, live=live)\n",
        "        self.server_state.set(item, item.local_rev, live=live)\n",
    ),
    Mutant(
        "a conflict keeps nothing of ours",
        "vault/sync/reconcile.py",
        "            add_conflict_copy(self.connection, item, ours.state)\n",
        "",
    ),
    Mutant(
        "a deletion wins over an edit",
        "vault/sync/apply_change.py",
        "        return Action.FOLLOW if is_copy else Action.KEEP\n",
        "        return Action.FOLLOW\n",
    ),
    Mutant(
        "no device learns that deletions were purged",
        "server/sync/cursor.py",
        '    return "horizon" if safe < vault.gc_horizon else None\n',
        "    return None\n",
        "Forgetful",
        first=4,
    ),
    Mutant(
        "no device learns that the server was restored",
        "server/sync/cursor.py",
        '        return "epoch"\n    if cursor.seq > vault.head_seq:\n'
        '        return "epoch"\n    if cursor.seq == 0:\n        return None\n'
        "    if mark is not None and not vault.is_mark_known:\n"
        '        return "epoch"\n',
        "        pass\n    if cursor.seq == 0:\n        return None\n",
        "Restore",
    ),
    Mutant(
        "a restored server is not noticed",
        "server/sync/cursor.py",
        "    if mark is not None and not vault.is_mark_known:\n",
        "    if False:\n",
        "Rollback",
    ),
    Mutant(
        "a resync trashes what it does not find",
        "vault/sync/resync.py",
        "        if link.resync == HORIZON and item.is_clean:\n",
        "        if True:\n",
        "Rollback",
    ),
    Mutant(
        "a resolution that the server lost is not sent again",
        "vault/sync/apply_change.py",
        "        if resolve_again(self.connection, ",
        "        if False and resolve_again(self.connection, ",
        "Rollback",
        first=2,
    ),
    Mutant(
        "a resolution is sent without its text",
        "vault/sync/push.py",
        """            if self._has_unsent_text(item):
                continue  # it may have absorbed the copy: it is sent first
            sent = self._absorbers.get(item)
""",
        "            sent = None\n",
        "Quarrel",
        first=9,
    ),
    Mutant(
        "a conflict is answered without the head",
        "server/sync/exchange.py",
        "        inline = page.add_heads(heads)\n",
        "        inline = []\n        answered |= {*wanted}\n",
        "Restore",
    ),
    Mutant(
        "one prompt more than the limit",
        "server/sync/push_rules.py",
        "self.count < self.limit\n",
        "self.count <= self.limit\n",
        "Quota",
        first=2,
    ),
    Mutant(
        "the roster is ignored",
        "services/sync/device_sync.py",
        "        if link is None or (roster == link.roster and not self._compares):\n",
        "        if True:\n",
        "Teams",
    ),
    Mutant(
        "a wipe saves no unsent edit",
        "services/vaults/leaving.py",
        "    if edits:\n",
        "    if False:\n",
        "Teams",
        first=4,
    ),
    Mutant(
        "a viewer may push",
        "server/sync/exchange.py",
        "    if not standing.has(Right.WRITE):\n",
        "    if False:\n",
        test="sync/test_team.py::TestRoles::test_decide_who_may_push[viewer]",
    ),
    Mutant(
        "a frozen vault may be written",
        "server/sync/exchange.py",
        "    return vault.frozen_why\n",
        "    return None\n",
        test="sync/test_team.py::TestRoles::test_a_freeze_during_the_wait_for_the_lock_counts",
    ),
    Mutant(
        "a protected label is ignored on deletion",
        "domain/protected_label.py",
        "_labels(before), {} if deleted else _labels(after)\n",
        "_labels(before), _labels(before if deleted else after)\n",
        test="sync/test_team.py::TestProtectedLabels::test_stop_deletions_and_new_names",
    ),
    Mutant(
        "a transfer does not count people again",
        "server/ownership/service.py",
        "    lost = await settle_seats(connection, actor, team.account_id)\n",
        "    lost = gained\n",
        test="ownership/test_service.py::TestTransfer::test_and_back",
    ),
    Mutant(
        "no roster is raised",
        "server/team/change.py",
        "        await rosters.raise_versions(",
        "        await rosters.members(",
        test="teams/test_members.py::test_each_change_raises_the_roster_of_all_concerned",
    ),
    Mutant(
        "the limit of people is read outside the lock",
        "server/team/change.py",
        """    await lock_account(connection, found.account_id)
    team = await TeamRepository(connection).get(found.vault_id, actor.user_id)
""",
        """    teams = TeamRepository(connection)
    team = await teams.get(found.vault_id, actor.user_id)
    await lock_account(connection, found.account_id)
""",
        test="teams/test_seats.py::test_a_seat_that_is_taken_during_the_wait_counts",
    ),
    Mutant(
        "the role is read before the lock",
        "server/sync/exchange.py",
        "        await self._lock([vault for vault in request.vaults if vault.push])\n",
        """        early = {}
        for vault in request.vaults:
            repository = self.vault_repository(self._connection, vault.id)
            ids = find_pushed_ids(vault.push)
            found = await repository.read_known(ids, self._bearer.user_id)
            early[vault.id] = found[0]

        class Early(self.vault_repository):
            async def read_known(self, ids, user):
                _, known, sizes = await super().read_known(ids, user)
                return early[self._vault_id], known, sizes

        self.vault_repository = Early
        await self._lock([vault for vault in request.vaults if vault.push])
""",
        test="sync/test_team.py::TestRoles"
        "::test_a_demotion_during_the_wait_for_the_lock_counts",
    ),
    Mutant(
        "answers go to the wrong vault",
        "services/sync/conductor.py",
        "    for sync, part in parts.items():\n        match",
        "    for sync, part in zip(parts, [*parts.values()][::-1], strict=True):\n"
        "        match",
        "Teams",
    ),
)
