"""What a command that writes works with: settings, and the vault to change."""

import os

from promptvault.cli import terminal
from promptvault.cli.context import now, paths
from promptvault.config import Settings, load
from promptvault.paths import HOME_VARIABLE, PROJECT_FOLDER
from promptvault.services.identity import author_of
from promptvault.services.workspace import Workspace


def settings() -> Settings:
    """Return the settings of this command."""
    return load(paths().config_file, os.environ)


def is_project() -> bool:
    """Tell whether this command uses a project's vault, found from where it runs."""
    chosen = os.environ.get(HOME_VARIABLE)
    return not chosen and paths().config.name == PROJECT_FOLDER


def workspace() -> Workspace:
    """Return the vault to change, and who changes it."""
    return Workspace(
        paths=paths(),
        now=now,
        author=lambda: author_of(settings()),
        on_wait=lambda: terminal.note("Waiting for another promptvault to finish…"),
    )
