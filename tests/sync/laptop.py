"""A device with a synced vault, used in this process."""

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from promptvault.client.address import parse_address
from promptvault.client.client import connect
from promptvault.domain.prompt import Author, Prompt, Version
from promptvault.domain.variable import variables_to_mapping
from promptvault.paths import Paths
from promptvault.services.health.doctor import check_vault
from promptvault.services.prompts.edit import (
    add_prompt,
    change_details,
    delete_prompts,
    edit_prompt,
)
from promptvault.services.prompts.prompt_document import DetailChanges, parse_document
from promptvault.services.sync.conductor import Exchange, sync_vault
from promptvault.services.sync.rounds import Direction, SyncReport
from promptvault.services.sync.run import link_vault
from promptvault.services.workspace import Workspace
from promptvault.vault.reader import Selection, reading
from promptvault.wire.sync import SyncAnswer
from tests.conftest import NOON

Through = Callable[[Exchange], Exchange]


@dataclass
class Laptop:
    """One device of a user, with a vault of its own."""

    home: Path
    server: str
    token: str
    clock: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def paths(self) -> Paths:
        """The folders of this device."""
        home = self.home
        return Paths(home / "config", home / "data", home / "cache", home / "state")

    @property
    def workspace(self) -> Workspace:
        """The vault; every change has its own time."""
        return Workspace(
            paths=self.paths,
            now=lambda: NOON + timedelta(seconds=next(self.clock)),
            author=lambda: Author(self.home.name, f"{self.home.name}@example.org"),
            on_wait=lambda: None,
        )

    def copy(self, home: Path) -> Self:
        """Return a copy of this device."""
        shutil.copytree(self.home, home)
        return type(self)(home, self.server, self.token, self.clock)

    def sync(
        self,
        through: Through = lambda exchange: exchange,
        direction: Direction = Direction(),  # noqa: B008 - it never changes
    ) -> SyncReport:
        """Sync; *through* may wrap the exchange with the server."""
        with connect(parse_address(self.server), self.token) as client:
            find_vault = lambda: str(client.me().vaults[0].id)  # noqa: E731
            link_vault(self.workspace, self.server, find_vault)

            def exchange(request: bytes) -> SyncAnswer:
                return client.sync(request)

            return sync_vault(self.workspace, through(exchange), direction)

    def relink(self) -> None:
        """Link the vault again, so that every prompt is sent again."""
        with connect(parse_address(self.server), self.token) as client:
            vault = str(client.me().vaults[0].id)
        link_vault(self.workspace, self.server, lambda: vault, relink=True)

    def add(self, name: str, body: str, **fields: Any) -> None:
        """Save a new prompt."""
        add_prompt(self.workspace, name, parse_document(body), DetailChanges(**fields))

    def edit(self, name: str, body: str) -> None:
        """Give a prompt another text."""
        prompt = self.get(name)
        edit_prompt(self.workspace, prompt, self.current(name).content, body, None)

    def set(self, name: str, **fields: Any) -> None:
        """Change the details of a prompt."""
        change_details(self.workspace, name, DetailChanges(**fields))

    def delete(self, name: str) -> None:
        """Put a prompt into the trash."""
        delete_prompts(self.workspace, [name])

    def get(self, name: str) -> Prompt:
        """Return a prompt."""
        with reading(self.paths.database, self.paths.usage) as reader:
            return reader.get(name)

    def current(self, name: str) -> Version:
        """Return the version of a prompt that `get` prints."""
        with reading(self.paths.database, self.paths.usage) as reader:
            return reader.current(reader.get(name))

    def body(self, name: str) -> str:
        """Return the text of a prompt."""
        return self.current(name).body

    def trashed_body(self, name: str) -> str:
        """Return the text of a prompt in the trash."""
        with reading(self.paths.database, self.paths.usage) as reader:
            return reader.current(reader.trashed(name)).body

    def names(self, *, trashed: bool = False) -> list[str]:
        """Return the names of all prompts, or of those in the trash."""
        with reading(self.paths.database, self.paths.usage) as reader:
            return list(reader.names(Selection(trashed=trashed)))

    def log(self, name: str) -> list[tuple[Any, ...]]:
        """Return every version of a prompt, without the commit of this device."""
        with reading(self.paths.database, self.paths.usage) as reader:
            return [_told(each) for each in reader.versions(reader.get(name))]

    def problems(self) -> list[str]:
        """Return what the doctor finds wrong."""
        return [each.message for each in check_vault(self.workspace).problems]

    def everything(self) -> dict[str, Any]:
        """Return all that must be equal on every device."""
        with reading(self.paths.database, self.paths.usage) as reader:
            return {
                prompt.id: (
                    prompt._replace(uses=0, used_at=None),
                    [_told(each) for each in reader.versions(prompt)],
                    sorted(map(repr, reader.origins(prompt))),
                )
                for prompt in reader.prompts(Selection())
            }


def _told(version: Version) -> tuple[Any, ...]:
    content = version.content
    variables = variables_to_mapping(content.variables)
    said = (version.message, version.author, version.created_at)
    return (
        version.number,
        version.id,
        content.body,
        content.template,
        [*variables.items()],  # their order counts
        *said,
    )
