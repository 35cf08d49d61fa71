"""Where everything lives on disk: one folder, a project's folder, or the platform's."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from promptvault.home import (
    DATABASE,
    HISTORY,
    PERSONAL,
    USAGE,
    find_folders,
    folder_of,
)


class Paths(NamedTuple):
    """The folders in use; every file of PromptVault has its place under one of them.

    A team vault has its own database, history, locks and usage. All vaults of a device
    share settings, credentials, activity and caches.
    """

    config: Path
    data: Path
    cache: Path
    state: Path
    vault: str = PERSONAL
    """The name of the vault; see `home.team_vaults`."""

    def of(self, vault: str) -> Self:
        """Return the paths of another vault of this device."""
        return self._replace(vault=vault)

    @property
    def vault_data(self) -> Path:
        """The folder of the vault: for a team vault, it has nothing else."""
        return Path(folder_of(str(self.data), self.vault))

    @property
    def vault_state(self) -> Path:
        """The folder of what this machine knows of the vault."""
        return Path(folder_of(str(self.state), self.vault))

    @property
    def config_file(self) -> Path:
        """Settings, in TOML."""
        return self.config / "config.toml"

    @property
    def database(self) -> Path:
        """The vault: prompts, versions and the search index, in SQLite."""
        return self.vault_data / DATABASE

    @property
    def history(self) -> Path:
        """The bare git repository with one Markdown file a prompt."""
        return self.vault_data / HISTORY

    @property
    def lock(self) -> Path:
        """Held by the one process that writes."""
        return self.vault_data / "vault.lock"

    @property
    def sync_lock(self) -> Path:
        """Held by the one process that syncs."""
        return self.vault_data / "sync.lock"

    @property
    def sync_turn(self) -> Path:
        """Held by the one process that waits to sync in the background."""
        return self.vault_data / "sync-turn.lock"

    @property
    def sync_record(self) -> Path:
        """When this vault was synced at last, and what went wrong since."""
        return self.vault_state / "sync"

    @property
    def payment_note(self) -> Path:
        """When it was last said that a payment has failed."""
        return self.state / "payment-note"

    @property
    def usage(self) -> Path:
        """How often and when each prompt was used, on this machine."""
        return self.vault_state / USAGE

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


def resolve(environment: Mapping[str, str], find_directory: Callable[[], str]) -> Paths:
    """Return the paths of a command; see `find_folders`."""
    config, data, cache, state = find_folders(environment, find_directory)
    return Paths(Path(config), Path(data), Path(cache), Path(state))
