"""Names that several prompts bear: one keeps it, the others are told apart.

No device writes anything for it: the names that are sent are those that people gave,
and each device comes to the same by itself.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from promptvault.domain.name import leaf_of, own_name, told_apart
from promptvault.vault.sync.commit import Commit

_BEARERS = """SELECT p.id, p.pk, p.name FROM json_each(?1) w
        CROSS JOIN prompts p ON p.name = w.value WHERE p.deleted_at IS NULL
    UNION ALL SELECT p.id, p.pk, p.name FROM json_each(?1) w
        CROSS JOIN prompts p ON p.name > w.value || '~' AND p.name < w.value || '~~'
        WHERE p.deleted_at IS NULL"""
# The first version's place says when the server first heard of a prompt. One that does
# not live there is nowhere else: it makes way for those that others see, too.
_AGE = """SELECT coalesce((SELECT base_live FROM sync_items WHERE item = ?2), 0),
    (SELECT min(s.seq) FROM versions v JOIN sync_places s ON s.version_pk = v.pk
        WHERE v.prompt_pk = ?1)"""
_NAMES = """SELECT name, id FROM prompts
    WHERE id IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL"""
_RENAME = "UPDATE prompts SET name = ?, leaf = ? WHERE pk = ?"
_DIGITS = (4, 8, 36)


class _Bearer(NamedTuple):
    id: str
    pk: int
    shown: str


def names_of(connection: sqlite3.Connection, prompt_ids: Iterable[str]) -> set[str]:
    """Return the names that people gave to prompts."""
    rows = connection.execute(_NAMES, (json.dumps([*prompt_ids]),))
    return {own_name(*row) for row in rows}


def free_name(connection: sqlite3.Connection, name: str, prompt_id: str) -> str:
    """Return what a prompt called *name* can be shown as until names are settled."""
    taken = connection.execute(
        "SELECT 1 FROM prompts WHERE name = ? AND deleted_at IS NULL AND id != ?",
        (name, prompt_id),
    ).fetchone()
    return told_apart(name, prompt_id, _DIGITS[-1]) if taken else name


def settle(
    connection: sqlite3.Connection, names: Iterable[str], commit: Commit
) -> None:
    """Let the oldest prompt of each of *names* be shown by it, the others beside it."""
    groups: dict[str, list[_Bearer]] = {}
    for row in connection.execute(_BEARERS, (json.dumps(sorted(set(names))),)):
        bearer = _Bearer(*row)
        groups.setdefault(own_name(bearer.shown, bearer.id), []).append(bearer)
    for name in sorted(groups):
        wanted = _shown(name, _by_age(connection, groups[name]))
        changed = [each for each in groups[name] if wanted[each.id] != each.shown]
        for each in changed:  # first all make way
            commit.rewrite(connection, each.pk)
            connection.execute(_RENAME, (f"/{each.id}", "", each.pk))
        for each in changed:
            shown = wanted[each.id]
            connection.execute(_RENAME, (shown, leaf_of(shown), each.pk))


def _by_age(connection: sqlite3.Connection, bearers: list[_Bearer]) -> list[str]:
    """Return the ids of prompts, the oldest on the server first."""
    if len(bearers) == 1:
        return [bearers[0].id]

    def age(bearer: _Bearer) -> tuple[bool, bool, int, str]:
        live, seq = connection.execute(_AGE, (bearer.pk, bearer.id)).fetchone()
        return (not live, seq is None, seq or 0, bearer.id)

    return [each.id for each in sorted(bearers, key=age)]


def _shown(name: str, ids: list[str]) -> dict[str, str]:
    """Return what each of the prompts called *name* is shown as."""
    first, *others = ids
    digits = next(n for n in _DIGITS if len({id_[:n] for id_ in others}) == len(others))
    return {id_: told_apart(name, id_, digits) for id_ in others} | {first: name}
