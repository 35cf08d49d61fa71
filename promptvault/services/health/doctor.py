"""The doctor: proves that database, index and history agree, and mends what does not.

Either side can be made from the other. The texts in the history are checked by git's
own hashes, those in the database by their digests, so where two texts differ it is
known which one is damaged.
"""

import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

from promptvault.errors import PromptVaultError, VaultError
from promptvault.history import inspection
from promptvault.history.repository import History
from promptvault.services.health.consistency import compare_vault, repair_vault
from promptvault.services.health.quarantine import quarantine
from promptvault.services.health.rebuild import rebuild_database
from promptvault.services.locking import flush
from promptvault.services.workspace import Workspace
from promptvault.vault import integrity
from promptvault.vault.activity.upkeep import is_damaged
from promptvault.vault.database import connected, is_lost
from promptvault.vault.lock import exclusive


class VaultPart(StrEnum):
    """What a problem is a problem of."""

    DATABASE = "database"
    INDEX = "index"
    GIT = "git"
    """The repository itself."""
    HISTORY = "history"
    """What the commits say."""
    ACTIVITY = "activity"
    """The record of runs and costs."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be, and how it is mended."""

    part: VaultPart
    message: str
    remedy: str


@dataclass
class Diagnosis:
    """What the doctor found."""

    prompts: int = 0
    versions: int = 0
    problems: list[Problem] = field(default_factory=list)
    repaired: bool = False

    def found(self, problem: Problem) -> None:
        """Note a problem."""
        self.problems.append(problem)


_FROM_HISTORY = "rebuild the database from the history"
_FROM_DATABASE = "rebuild the history from the database"
_LOST_DATABASE = Problem(
    VaultPart.DATABASE, "The database is not there.", _FROM_HISTORY
)
_LOST_HISTORY = Problem(VaultPart.GIT, "The history is not there.", _FROM_DATABASE)
_BROKEN_INDEX = Problem(
    VaultPart.INDEX, "The search index does not fit the texts.", "rebuild the index"
)
_DAMAGED_ACTIVITY = Problem(
    VaultPart.ACTIVITY,
    "The record of runs and costs cannot be read.",
    "put it aside and begin another",
)


def check_vault(workspace: Workspace, *, repair: bool = False) -> Diagnosis:
    """Check the whole vault; with *repair*, mend it and check again."""
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
    if is_damaged(workspace.paths.activity):
        diagnosis.found(_DAMAGED_ACTIVITY)
    history = History(workspace.paths.history)
    if not (history.exists() or workspace.paths.database.exists()):
        return  # nothing was ever saved
    whole = _examine_git(workspace, history, diagnosis)
    if is_lost(workspace.paths.database) and history.exists():
        diagnosis.found(_LOST_DATABASE)
        return
    try:
        with connected(workspace.paths.database) as connection:
            if _examine_database(connection, diagnosis):
                _flush(connection, history, lock, diagnosis)
                if whole:
                    _compare(connection, history, diagnosis)
    except VaultError as error:
        diagnosis.found(Problem(VaultPart.DATABASE, str(error), _FROM_HISTORY))


def _examine_git(workspace: Workspace, history: History, diagnosis: Diagnosis) -> bool:
    """Tell whether git can read the history."""
    if not history.exists():
        lost = _had_history(workspace)
        if lost:
            diagnosis.found(_LOST_HISTORY)
        return not lost
    damages = inspection.damages(history)
    for damage in damages:
        diagnosis.found(Problem(VaultPart.GIT, damage, _FROM_DATABASE))
    return not damages


def _had_history(workspace: Workspace) -> bool:
    """Tell whether a commit was ever noted; a first save may have been killed."""
    try:
        with connected(workspace.paths.database) as connection:
            return integrity.has_commits(connection)
    except VaultError:
        return True  # nobody can tell: then nothing may be made from nothing


def _examine_database(connection: sqlite3.Connection, diagnosis: Diagnosis) -> bool:
    damages = integrity.find_damage(connection)
    for damage in damages:
        diagnosis.found(Problem(VaultPart.DATABASE, damage, _FROM_HISTORY))
    if not damages and not integrity.is_index_intact(connection):
        diagnosis.found(_BROKEN_INDEX)
    return not damages


def _flush(
    connection: sqlite3.Connection, history: History, lock: int, diagnosis: Diagnosis
) -> None:
    try:
        flush(connection, history, lock, recover=True)
    except PromptVaultError as error:
        diagnosis.found(Problem(VaultPart.GIT, str(error), _FROM_DATABASE))


def _compare(
    connection: sqlite3.Connection, history: History, diagnosis: Diagnosis
) -> None:
    agreement = compare_vault(connection, history)
    diagnosis.prompts, diagnosis.versions = agreement.prompts, agreement.versions
    for message, remedy in agreement.messages():
        diagnosis.found(Problem(VaultPart.HISTORY, message, remedy))


def _repair(workspace: Workspace, lock: int, diagnosis: Diagnosis) -> None:
    paths = workspace.paths
    history = History(paths.history)
    parts = {problem.part for problem in diagnosis.problems}
    if VaultPart.ACTIVITY in parts:
        quarantine(paths.activity, "damaged")
    if parts == {VaultPart.ACTIVITY}:
        return
    if {VaultPart.DATABASE, VaultPart.GIT} <= parts:
        raise VaultError(
            "Both the database and the history are damaged: neither can be made from"
            " the other. Restore a backup with 'promptvault backup restore PATH'."
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
