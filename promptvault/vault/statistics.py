"""The numbers that `stats` shows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from promptvault.domain.token import estimate_tokens
from promptvault.home import full_name
from promptvault.vault.reader import Reader

_TOP = 10
_NO_LIMIT = -1
"""SQLite's LIMIT for all rows."""

_TOTALS = """SELECT
    (SELECT count(*) FROM prompts WHERE deleted_at IS NULL),
    (SELECT count(*) FROM versions v JOIN prompts p ON p.pk = v.prompt_pk
        WHERE p.deleted_at IS NULL),
    (SELECT count(*) FROM prompts p JOIN versions v ON v.pk = p.version_pk
        WHERE p.deleted_at IS NULL AND v.template),
    (SELECT count(*) FROM prompts WHERE deleted_at IS NULL AND favourite),
    (SELECT count(*) FROM prompts WHERE deleted_at IS NOT NULL),
    (SELECT count(*) FROM imports WHERE undone_at IS NULL)"""
_BY_SOURCE = """SELECT source, count(*) AS number FROM prompts
    WHERE deleted_at IS NULL GROUP BY source ORDER BY number DESC, source"""
_BY_FOLDER = """SELECT
        CASE WHEN name = leaf THEN '' ELSE substr(name, 1, instr(name, '/') - 1) END
        AS folder, count(*) AS number
    FROM prompts WHERE deleted_at IS NULL
    GROUP BY folder ORDER BY number DESC, folder"""
_BY_MONTH = """SELECT substr(created_at, 1, 7) AS month, count(*) FROM prompts
    WHERE deleted_at IS NULL GROUP BY month ORDER BY month"""
_MOST_USED = """SELECT p.name, u.uses FROM prompts p
    JOIN usage.uses u ON u.prompt_id = p.id WHERE p.deleted_at IS NULL
    ORDER BY u.uses DESC, u.used_at DESC, p.name LIMIT ?"""
_MOST_CHANGED = """SELECT p.name, count(*) AS held FROM prompts p
    JOIN versions v ON v.prompt_pk = p.pk
    WHERE p.deleted_at IS NULL GROUP BY p.pk HAVING held > 1
    ORDER BY held DESC, p.updated_at DESC, p.name LIMIT ?"""
_TAGS = """SELECT value, count(*) AS number FROM prompts, json_each(tags)
    WHERE deleted_at IS NULL GROUP BY value ORDER BY number DESC, value LIMIT ?"""
_BODIES = "SELECT body FROM documents"


class Totals(NamedTuple):
    """Totals; prompts in the trash count only in `trashed`."""

    prompts: int
    versions: int
    templates: int
    favourites: int
    trashed: int
    imports: int
    """Without those that were undone."""


class Count(NamedTuple):
    """A name and its count."""

    name: str
    number: int


Counts = tuple[Count, ...]


class Statistics(NamedTuple):
    """The contents of the vault in numbers."""

    totals: Totals
    tokens: int
    """Estimated tokens of the current versions of all prompts."""
    by_source: Counts
    by_folder: Counts
    """Prompts in each top-level folder; '' for those in no folder."""
    by_month: Counts
    """Prompts by month of creation (``2026-05``, UTC), oldest first."""
    most_used: Counts
    most_changed: Counts
    """Prompts with more than one version, and the number of versions."""
    tags: Counts
    by_vault: Counts = ()
    """Prompts in each vault, if these are the numbers of several."""

    @property
    def average_tokens(self) -> int:
        """Estimated tokens of a prompt, rounded; 0 without prompts."""
        return round(self.tokens / max(1, self.totals.prompts))


def count_vault(reader: Reader, *, is_part: bool = False) -> Statistics:
    """Return the contents of the vault in numbers; raises VaultError.

    If they are to be part of a sum, the counts are all there, and not only the highest.
    """
    top = _NO_LIMIT if is_part else _TOP
    return Statistics(
        totals=Totals(*next(reader.rows(_TOTALS))),
        tokens=sum(estimate_tokens(body) for (body,) in reader.rows(_BODIES)),
        by_source=_counts(reader, _BY_SOURCE),
        by_folder=_counts(reader, _BY_FOLDER),
        by_month=_counts(reader, _BY_MONTH),
        most_used=_counts(reader, _MOST_USED, top),
        most_changed=_counts(reader, _MOST_CHANGED, top),
        tags=_counts(reader, _TAGS, top),
    )


def count_vaults(parts: Mapping[str, Statistics]) -> Statistics:
    """Return the sum of the numbers of several vaults, by their names.

    The names of folders and prompts in the vaults of teams have a prefix.
    """
    found = parts.values()
    by_month = _sum(each.by_month for each in found)
    return Statistics(
        totals=Totals(*map(sum, zip(*(each.totals for each in found), strict=True))),
        tokens=sum(each.tokens for each in found),
        by_source=_sum(each.by_source for each in found),
        by_folder=_named({name: each.by_folder for name, each in parts.items()}),
        by_month=tuple(sorted(by_month)),
        most_used=_named({name: each.most_used for name, each in parts.items()})[:_TOP],
        most_changed=_named({n: each.most_changed for n, each in parts.items()})[:_TOP],
        tags=_sum(each.tags for each in found)[:_TOP],
        by_vault=tuple(
            Count(name, each.totals.prompts) for name, each in parts.items()
        ),
    )


def _sum(found: Iterable[Counts]) -> Counts:
    """Return the sums by name, the highest first."""
    sums: Counter[str] = Counter()
    for counts in found:
        sums.update(dict(counts))
    return _sorted(Count(*each) for each in sums.items())


def _named(found: Mapping[str, Counts]) -> Counts:
    """Return all counts with the vault in their names, the highest first."""
    return _sorted(
        Count(full_name(vault, name), number)
        for vault, counts in found.items()
        for name, number in counts
    )


def _sorted(counts: Iterable[Count]) -> Counts:
    return tuple(sorted(counts, key=lambda count: (-count.number, count.name)))


def _counts(reader: Reader, sql: str, *parameters: object) -> Counts:
    return tuple(Count(*row) for row in reader.rows(sql, *parameters))
