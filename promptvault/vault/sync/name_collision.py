"""Prompts with the same name: the oldest keeps it, the others show `name~1a2b`.

Nothing is sent for this. A device sends the names that people chose, and every device
computes the same shown names from them.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from promptvault.domain.name import leaf_of, own_name, told_apart
from promptvault.vault.sync.commit import Commit

_WITH_NAME = """SELECT p.id, p.pk, p.name FROM json_each(?1) w
        CROSS JOIN prompts p ON p.name = w.value WHERE p.deleted_at IS NULL
    UNION ALL SELECT p.id, p.pk, p.name FROM json_each(?1) w
        CROSS JOIN prompts p ON p.name > w.value || '~' AND p.name < w.value || '~~'
        WHERE p.deleted_at IS NULL"""
# The place of the first version says when the server first received a prompt. A prompt
# that is not live on the server is on no other device: it gives way to those that are.
_AGE = """SELECT coalesce((SELECT base_live FROM sync_items WHERE item = ?2), 0),
    (SELECT min(s.seq) FROM versions v JOIN sync_places s ON s.version_pk = v.pk
        WHERE v.prompt_pk = ?1)"""
_NAMES = """SELECT name, id FROM prompts
    WHERE id IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL"""
_RENAME = "UPDATE prompts SET name = ?, leaf = ? WHERE pk = ?"
_DIGITS = (4, 8, 36)


class _Named(NamedTuple):
    id: str
    pk: int
    shown: str


def names_of(connection: sqlite3.Connection, prompt_ids: Iterable[str]) -> set[str]:
    """Return the names, as people chose them, of those prompts that are not deleted."""
    rows = connection.execute(_NAMES, (json.dumps([*prompt_ids]),))
    return {own_name(*row) for row in rows}


def free_name(connection: sqlite3.Connection, name: str, prompt_id: str) -> str:
    """Return *name*, or a unique variant if it is taken, for `resolve_collisions`."""
    taken = connection.execute(
        "SELECT 1 FROM prompts WHERE name = ? AND deleted_at IS NULL AND id != ?",
        (name, prompt_id),
    ).fetchone()
    return told_apart(name, prompt_id, _DIGITS[-1]) if taken else name


def resolve_collisions(
    connection: sqlite3.Connection, names: Iterable[str], commit: Commit
) -> None:
    """Rename prompts so that the oldest one of each of *names* is shown with it.

    Renamed prompts are added to *commit*.
    """
    groups: dict[str, list[_Named]] = {}
    for row in connection.execute(_WITH_NAME, (json.dumps(sorted(set(names))),)):
        prompt = _Named(*row)
        groups.setdefault(own_name(prompt.shown, prompt.id), []).append(prompt)
    for name in sorted(groups):
        wanted = _shown(name, _by_age(connection, groups[name]))
        changed = [each for each in groups[name] if wanted[each.id] != each.shown]
        for each in changed:  # names are unique: free all of them first
            commit.rewrite(connection, each.pk)
            connection.execute(_RENAME, (f"/{each.id}", "", each.pk))
        for each in changed:
            shown = wanted[each.id]
            connection.execute(_RENAME, (shown, leaf_of(shown), each.pk))


def _by_age(connection: sqlite3.Connection, prompts: list[_Named]) -> list[str]:
    """Return the ids of prompts, the oldest on the server first."""
    if len(prompts) == 1:
        return [prompts[0].id]

    def age(prompt: _Named) -> tuple[bool, bool, int, str]:
        live, seq = connection.execute(_AGE, (prompt.pk, prompt.id)).fetchone()
        return (not live, seq is None, seq or 0, prompt.id)

    return [each.id for each in sorted(prompts, key=age)]


def _shown(name: str, ids: list[str]) -> dict[str, str]:
    """Return the shown name of each prompt called *name*, by id; *ids* oldest first."""
    first, *others = ids
    digits = next(n for n in _DIGITS if len({id_[:n] for id_ in others}) == len(others))
    return {id_: told_apart(name, id_, digits) for id_ in others} | {first: name}
