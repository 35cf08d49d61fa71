"""Where everything lives on disk: one folder, a project's folder, or the platform's."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from promptvault.home import DATABASE, HISTORY, USAGE, find_folders


class Paths(NamedTuple):
    """The folders in use; every file of PromptVault has its place under one of them."""

    config: Path
    data: Path
    cache: Path
    state: Path

    @property
    def config_file(self) -> Path:
        """Settings, in TOML."""
        return self.config / "config.toml"

    @property
    def database(self) -> Path:
        """The vault: prompts, versions and the search index, in SQLite."""
        return self.data / DATABASE

    @property
    def history(self) -> Path:
        """The bare git repository with one Markdown file a prompt."""
        return self.data / HISTORY

    @property
    def lock(self) -> Path:
        """Held by the one process that writes."""
        return self.data / "vault.lock"

    @property
    def sync_lock(self) -> Path:
        """Held by the one process that syncs."""
        return self.data / "sync.lock"

    @property
    def sync_turn(self) -> Path:
        """Held by the one process that waits to sync in the background."""
        return self.data / "sync-turn.lock"

    @property
    def sync_record(self) -> Path:
        """When this vault was synced at last, and what went wrong since."""
        return self.state / "sync"

    @property
    def usage(self) -> Path:
        """How often and when each prompt was used, on this machine."""
        return self.state / USAGE

    @property
    def activity(self) -> Path:
        """What was done with models: runs, costs, scores."""
        return self.data / "activity.db"

    @property
    def responses(self) -> Path:
        """Answers of models, kept to be given again."""
        return self.cache / "responses.db"

    @property
    def credentials(self) -> Path:
        """Keys, a file for each: what it holds where the system has no keyring."""
        return self.config / "credentials"

    @property
    def server(self) -> Path:
        """The PostgreSQL of a server that was given none."""
        return self.data / "server-postgres"

    @property
    def log(self) -> Path:
        """What went wrong, for a bug report."""
        return self.state / "promptvault.log"


def resolve(environment: Mapping[str, str], directory: str | Path) -> Paths:
    """Return the paths for a command that runs in *directory*; see `find_folders`."""
    return Paths(*map(Path, find_folders(environment, str(directory))))
