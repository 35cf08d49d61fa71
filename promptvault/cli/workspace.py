"""What a command that writes works with: settings, and the vault to change."""

import contextlib
import os
from dataclasses import replace

from promptvault.cli import terminal
from promptvault.cli.context import now, paths, vault_paths
from promptvault.config import Settings, load_settings
from promptvault.errors import PromptVaultError
from promptvault.home import HOME_VARIABLE, PROJECT_FOLDER
from promptvault.paths import Paths
from promptvault.services.identity import find_author
from promptvault.services.workspace import Workspace


def settings() -> Settings:
    """Return the settings of this command."""
    return load_settings(paths().config_file, os.environ)


def is_project() -> bool:
    """Return True if this command uses a project's vault, found from its directory."""
    chosen = os.environ.get(HOME_VARIABLE)
    return not chosen and paths().config.name == PROJECT_FOLDER


def workspace(vault: str | None = None) -> Workspace:
    """Return the vault to change, and who changes it.

    It is the chosen vault, or another one. Raises NotFoundError.
    """
    return replace(unsynced_workspace(vault), on_change=_sync_later)


def unsynced_workspace(vault: str | None = None) -> Workspace:
    """Return the vault to change without that being synced by itself."""
    return Workspace(
        paths=vault_paths(vault),
        now=now,
        author=lambda: find_author(settings()),
        on_wait=lambda: terminal.note("Waiting for another promptvault to finish…"),
    )


def _sync_later(changed: Paths) -> None:
    """Start a process that syncs the change, if automatic sync is on.

    The change is saved, so no error here may fail the command.
    """
    with contextlib.suppress(PromptVaultError, OSError):
        chosen = settings()
        if chosen["sync.auto"].value != "true":
            return
        # 10 ms, only for automatic sync
        from promptvault.services.sync import background, session

        if session.is_signed_in(changed, chosen):
            background.start(changed)
