"""`doctor`: checks that database, index and history agree, and repairs them.

Database and history can each be rebuilt from the other. Git verifies the texts in the
history by their hashes, and the database has a digest of each text. So if two texts
differ, it is known which one is damaged.
"""

import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

from promptvault.errors import PromptVaultError, VaultError
from promptvault.history import inspection
from promptvault.history.repository import History
from promptvault.home import PERSONAL
from promptvault.paths import Paths
from promptvault.services.health.consistency import compare_vault, repair_vault
from promptvault.services.health.quarantine import quarantine
from promptvault.services.health.rebuild import rebuild_database
from promptvault.services.locking import flush
from promptvault.services.vaults.folders import leftovers, remove_leftovers
from promptvault.services.workspace import Workspace
from promptvault.vault import integrity
from promptvault.vault.activity.upkeep import is_damaged
from promptvault.vault.database import connected, is_lost
from promptvault.vault.lock import exclusive, exclusive_if_free


class VaultPart(StrEnum):
    """The part of the vault that has a problem."""

    DATABASE = "database"
    INDEX = "index"
    GIT = "git"
    """The git repository itself."""
    HISTORY = "history"
    """The contents of the commits."""
    ACTIVITY = "activity"
    """The activity database: runs, scores and costs."""
    VAULTS = "vaults"
    """The folders of the vaults of teams."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, and its remedy."""

    part: VaultPart
    message: str
    remedy: str


@dataclass
class Diagnosis:
    """The result of a check."""

    prompts: int = 0
    versions: int = 0
    problems: list[Problem] = field(default_factory=list)
    repaired: bool = False

    def add(self, problem: Problem) -> None:
        """Add a problem."""
        self.problems.append(problem)


_FROM_HISTORY = "rebuild the database from the history"
_FROM_DATABASE = "rebuild the history from the database"
_LOST_DATABASE = Problem(VaultPart.DATABASE, "The database is missing.", _FROM_HISTORY)
_LOST_HISTORY = Problem(VaultPart.GIT, "The history is missing.", _FROM_DATABASE)
_BROKEN_INDEX = Problem(
    VaultPart.INDEX, "The search index does not match the texts.", "rebuild the index"
)
_DAMAGED_ACTIVITY = Problem(
    VaultPart.ACTIVITY,
    "The record of runs and costs cannot be read.",
    "rename it and start a new one",
)
_LEFTOVERS = Problem(
    VaultPart.VAULTS,
    "A sync that was killed has left an unfinished copy of a team's vault.",
    "delete it",
)


def check_vault(workspace: Workspace, *, repair: bool = False) -> Diagnosis:
    """Check the whole vault; with *repair*, repair it and check again.

    What all vaults share is checked with the personal one.
    Raises VaultError if the lock cannot be taken, or if both database and history are
    damaged and *repair* is True.
    """
    with exclusive(workspace.paths.lock, workspace.on_wait) as lock:
        diagnosis = Diagnosis()
        _examine(workspace, lock, diagnosis)
        if repair and diagnosis.problems:
            _repair(workspace, lock, diagnosis)
            again = Diagnosis()
            _examine(workspace, lock, again)
            diagnosis.repaired = not again.problems
            diagnosis.prompts, diagnosis.versions = again.prompts, again.versions
        return diagnosis


def _examine(workspace: Workspace, lock: int, diagnosis: Diagnosis) -> None:
    if workspace.paths.vault == PERSONAL:
        _examine_device(workspace.paths, diagnosis)
    history = History(workspace.paths.history)
    if not (history.exists() or workspace.paths.database.exists()):
        return  # nothing was ever saved
    whole = _examine_git(workspace, history, diagnosis)
    if is_lost(workspace.paths.database) and history.exists():
        diagnosis.add(_LOST_DATABASE)
        return
    try:
        with connected(workspace.paths.database) as connection:
            if _examine_database(connection, diagnosis):
                _flush(connection, history, lock, diagnosis)
                if whole:
                    _compare(connection, history, diagnosis)
    except VaultError as error:
        diagnosis.add(Problem(VaultPart.DATABASE, str(error), _FROM_HISTORY))


def _examine_device(paths: Paths, diagnosis: Diagnosis) -> None:
    """Check what all vaults of this device share."""
    if is_damaged(paths.activity):
        diagnosis.add(_DAMAGED_ACTIVITY)
    if _has_leftovers(paths):
        diagnosis.add(_LEFTOVERS)


def _has_leftovers(paths: Paths) -> bool:
    """Return True if there are leftovers that no sync is making or deleting now."""
    if not leftovers(paths):
        return False
    with exclusive_if_free(paths.of(PERSONAL).sync_lock) as is_free:
        return is_free


def _examine_git(workspace: Workspace, history: History, diagnosis: Diagnosis) -> bool:
    """Return True if git can read the history."""
    if not history.exists():
        lost = _had_history(workspace)
        if lost:
            diagnosis.add(_LOST_HISTORY)
        return not lost
    damages = inspection.find_damage(history)
    for damage in damages:
        diagnosis.add(Problem(VaultPart.GIT, damage, _FROM_DATABASE))
    return not damages


def _had_history(workspace: Workspace) -> bool:
    """Return True if the database names a commit; a killed first save has none."""
    try:
        with connected(workspace.paths.database) as connection:
            return integrity.has_commits(connection)
    except VaultError:
        return True  # unknown: an empty history must not replace a lost one


def _examine_database(connection: sqlite3.Connection, diagnosis: Diagnosis) -> bool:
    damages = integrity.find_damage(connection)
    for damage in damages:
        diagnosis.add(Problem(VaultPart.DATABASE, damage, _FROM_HISTORY))
    if not damages and not integrity.is_index_intact(connection):
        diagnosis.add(_BROKEN_INDEX)
    return not damages


def _flush(
    connection: sqlite3.Connection, history: History, lock: int, diagnosis: Diagnosis
) -> None:
    try:
        flush(connection, history, lock, recover=True)
    except PromptVaultError as error:
        diagnosis.add(Problem(VaultPart.GIT, str(error), _FROM_DATABASE))


def _compare(
    connection: sqlite3.Connection, history: History, diagnosis: Diagnosis
) -> None:
    report = compare_vault(connection, history)
    diagnosis.prompts, diagnosis.versions = report.prompts, report.versions
    for message, remedy in report.messages():
        diagnosis.add(Problem(VaultPart.HISTORY, message, remedy))


def _repair(workspace: Workspace, lock: int, diagnosis: Diagnosis) -> None:
    paths = workspace.paths
    history = History(paths.history)
    parts = {problem.part for problem in diagnosis.problems}
    if VaultPart.ACTIVITY in parts:
        quarantine(paths.activity, "damaged")
    if VaultPart.VAULTS in parts:
        remove_leftovers(paths)
    if parts <= {VaultPart.ACTIVITY, VaultPart.VAULTS}:
        return
    if {VaultPart.DATABASE, VaultPart.GIT} <= parts:
        raise VaultError(
            "Both the database and the history are damaged, so neither can be rebuilt"
            " from the other. Restore a backup with 'promptvault backup restore PATH'."
        )
    if VaultPart.DATABASE in parts:
        quarantine(paths.database, "damaged")
        rebuild_database(workspace, history, paths.database)
    if VaultPart.GIT in parts:
        quarantine(paths.history, "damaged")
    with connected(paths.database) as connection:
        repair_vault(workspace, connection, history, lock)
        if not integrity.is_index_intact(connection):
            integrity.rebuild_index(connection)
