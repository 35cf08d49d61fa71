"""A prompt that was imported here as well before it arrived, and is there once only.

Two devices that have read the same export hold the same prompts under different ids.
"""

import json
import sqlite3
from collections.abc import Sequence

from promptvault.domain.variable import variables_to_mapping
from promptvault.vault.sync.item import Item, State, find_item
from promptvault.vault.sync.state import stored
from promptvault.vault.sync.version import NewVersion

_NAMESAKE = "SELECT id, pk FROM prompts WHERE name = ? AND deleted_at IS NULL"
_TEXTS = "SELECT body, template, variables FROM versions WHERE prompt_pk = ?"
_SAME = ("title", "description", "tags", "favourite", "sensitive_allowed")


def find_twin(
    connection: sqlite3.Connection, state: State, versions: Sequence[NewVersion]
) -> Item | None:
    """Return the prompt here that says nothing but what arrives, where nobody has it.

    That is one of the same name and description whose every text is among *versions*.
    """
    row = connection.execute(_NAMESAKE, (state["name"],)).fetchone()
    if row is None:
        return None
    item = find_item(connection, row[0])
    if item is None or item.base_rev is not None:
        return None
    ours = stored(connection, [item.id])[item.id].state
    if ours["labels"] or any(ours[key] != state.get(key, False) for key in _SAME):
        return None
    arriving = {
        (new.content.body, new.content.template, _variables(new)) for new in versions
    }
    return item if arriving.issuperset(connection.execute(_TEXTS, (row[1],))) else None


def _variables(version: NewVersion) -> str:
    return json.dumps(variables_to_mapping(version.content.variables))
