"""Keeps or wipes the copy of a team's vault if the user has left the team."""

import sqlite3
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from promptvault.domain.name import MAX_CHARACTERS
from promptvault.domain.prompt import Content
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.home import PERSONAL
from promptvault.services.locking import Writer, locked
from promptvault.services.vaults.folders import delete_vault
from promptvault.services.vaults.local import in_vault
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.sync import name_collision
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import conflict_copies
from promptvault.vault.sync.item import Hold, State, find_item, save_item
from promptvault.vault.sync.link import find_link
from promptvault.vault.sync.prompt_writer import PromptWriter
from promptvault.vault.sync.revisions import create_revisions
from promptvault.vault.sync.state import stored_prompts
from promptvault.vault.sync.team import LEFT, WIPING, Team, find_team, save_team
from promptvault.vault.sync.version import NewVersion, version_content

_UNSENT = """SELECT p.id FROM prompts p LEFT JOIN sync_items i ON i.item = p.id
    WHERE p.deleted_at IS NULL AND (i.pk IS NULL OR i.local_rev IS NOT i.base_rev
        OR EXISTS (SELECT 1 FROM sync_changes c WHERE c.item = p.id))"""
_ORIGIN = "promptvault"


class _Edit(NamedTuple):
    """A text that the server does not have."""

    id: str
    """The same each time, so that a killed command does not leave it twice."""
    state: State
    content: Content


def leave_vault(workspace: Workspace, *, wipe: bool) -> int:
    """Make the vault read-only, or delete it; return how many edits were saved.

    Before it is deleted, edits that were not sent are copied into the personal vault,
    where they are held back. Raise VaultError.
    """
    with locked(workspace, even_if_left=True) as writer:
        team = find_team(writer.connection)
        if team is None:
            return 0
        with bulk_transaction(writer.connection):
            state = WIPING if wipe else LEFT
            save_team(writer.connection, team._replace(state=state))
        if not wipe:
            return 0
        edits = list(_unsent_edits(writer.connection))
    if edits:
        _save(in_vault(workspace, PERSONAL), team, edits)
    delete_vault(workspace.paths, workspace.on_wait)
    return len(edits)


def _unsent_edits(connection: sqlite3.Connection) -> Iterator[_Edit]:
    link = find_link(connection)
    assert link is not None
    ids = [id_ for (id_,) in connection.execute(_UNSENT)]
    states = {id_: each.state for id_, each in stored_prompts(connection, ids).items()}
    for copy in conflict_copies(connection):
        if copy.status != "open":
            states[copy.rev] = copy.state
    for id_, state in states.items():
        found = version_content(connection, state["version"])
        if found is not None:
            variables = variables_from_mapping(found["variables"])
            content = Content(found["body"], found["template"], variables)
            new_id = uuid.uuid5(uuid.UUID(link.vault), f"{id_}@{state['version']}")
            origin = f"{link.vault}/{id_}@{state['version']}"
            yield _Edit(str(new_id), state | {"origins": [_origin(origin)]}, content)


def _origin(place: str) -> State:
    return {"source": _ORIGIN, "conversation_id": place}


def _save(workspace: Workspace, team: Team, edits: list[_Edit]) -> None:
    """Add *edits* to the personal vault, and hold them back."""
    with locked(workspace) as writer:
        with bulk_transaction(writer.connection):
            _add(writer, team, edits)
        writer.flush()


def _add(writer: Writer, team: Team, edits: list[_Edit]) -> None:
    connection, workspace = writer.connection, writer.workspace
    author, time = workspace.author(), workspace.now()
    commit = Commit()
    create_revisions(connection, commit)
    prompts = PromptWriter(connection, commit)
    new = [edit for edit in edits if prompts.find_pk(edit.id) is None]
    for edit in new:
        message = f"Save what was not sent to the team {team.name}"
        version = NewVersion(
            str(uuid.uuid5(uuid.UUID(edit.id), "version")),
            edit.content,
            message,
            (author.name, author.email),
            to_text(time),
        )
        state = _saved_state(edit, team, version.id)
        prompts.create(edit.id, state, [version], deleted=False)
    name_collision.resolve_collisions(connection, prompts.names, commit)
    commit.write(connection, author, "Save what was not sent to a team", time)
    create_revisions(connection, commit)
    for edit in new:
        if item := find_item(connection, edit.id):  # the vault is synced
            item.hold = item.hold or Hold.LEFT  # a likely secret stays held as one
            save_item(connection, item)


def _saved_state(edit: _Edit, team: Team, version: str) -> State:
    return edit.state | {
        "name": f"from-{team.slug}/{edit.state['name']}"[:MAX_CHARACTERS],
        "labels": {},
        "version": version,
        "favourite": False,
        "sensitive_allowed": False,
    }
