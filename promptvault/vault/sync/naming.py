"""Names that several prompts bear: one keeps it, the others are told apart.

No device writes anything for it: the names that are sent are those that people gave,
and each device comes to the same by itself.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from promptvault.domain.name import leaf_of, own_name, told_apart
from promptvault.vault.sync.commit import Commit

# The first version's place says when the server first heard of a prompt.
_BEARERS = """SELECT p.id, p.pk, p.name,
        (SELECT s.seq FROM versions v JOIN sync_places s ON s.version_pk = v.pk
            WHERE v.prompt_pk = p.pk ORDER BY s.seq LIMIT 1)
    FROM prompts p WHERE p.deleted_at IS NULL
        AND (p.name = ?1 OR p.name > ?1 || '~' AND p.name < ?1 || '~~')"""
_RENAME = "UPDATE prompts SET name = ?, leaf = ? WHERE pk = ?"
_DIGITS = (4, 8, 36)


class _Bearer(NamedTuple):
    id: str
    pk: int
    shown: str
    seq: int | None


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
    for name in sorted(set(names)):
        rows = connection.execute(_BEARERS, (name,)).fetchall()
        bearers = [_Bearer(*row) for row in rows if own_name(row[2], row[0]) == name]
        wanted = _shown(name, bearers)
        changed = [each for each in bearers if wanted[each.id] != each.shown]
        for each in changed:  # first all make way
            commit.rewrite(connection, each.pk)
            connection.execute(_RENAME, (f"/{each.id}", "", each.pk))
        for each in changed:
            shown = wanted[each.id]
            connection.execute(_RENAME, (shown, leaf_of(shown), each.pk))


def _shown(name: str, bearers: list[_Bearer]) -> dict[str, str]:
    """Return what each of the prompts called *name* is shown as."""
    ordered = sorted(bearers, key=lambda each: (each.seq is None, each.seq, each.id))
    others = [each.id for each in ordered[1:]]
    digits = next(n for n in _DIGITS if len({id_[:n] for id_ in others}) == len(others))
    shown = {id_: told_apart(name, id_, digits) for id_ in others}
    return shown | ({ordered[0].id: name} if ordered else {})
