"""Prompts that were imported here and on another device from the same file.

Both devices hold the same prompts under different ids. If such a prompt arrives, it
replaces the local one.
"""

import json
import sqlite3
from collections.abc import Sequence

from promptvault.domain.variable import variables_to_mapping
from promptvault.vault.sync.item import Item, State, find_item
from promptvault.vault.sync.state import stored_prompts
from promptvault.vault.sync.version import NewVersion

_SAME_NAME = "SELECT id, pk FROM prompts WHERE name = ? AND deleted_at IS NULL"
_TEXTS = "SELECT body, template, variables FROM versions WHERE prompt_pk = ?"
_SAME = ("title", "description", "tags", "favourite", "sensitive_allowed")


def find_import_duplicate(
    connection: sqlite3.Connection, state: State, versions: Sequence[NewVersion]
) -> Item | None:
    """Return the local prompt that the arriving one makes redundant, None if none does.

    It has the same name and details, no labels and no text outside of *versions*, and
    it was never sent.
    """
    row = connection.execute(_SAME_NAME, (state["name"],)).fetchone()
    if row is None:
        return None
    item = find_item(connection, row[0])
    if item is None or item.base_rev is not None:
        return None
    ours = stored_prompts(connection, [item.id])[item.id].state
    if ours["labels"] or any(ours[key] != state.get(key, False) for key in _SAME):
        return None
    arriving = {
        (new.content.body, new.content.template, _variables(new)) for new in versions
    }
    return item if arriving.issuperset(connection.execute(_TEXTS, (row[1],))) else None


def _variables(version: NewVersion) -> str:
    return json.dumps(variables_to_mapping(version.content.variables))
