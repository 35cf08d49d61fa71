"""What holds after every change of teams, whoever made it, looked up in the rows."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.server.sync.conftest import STORED

Rows = Callable[..., list[tuple[Any, ...]]]
"""Runs a query with values, and returns the rows."""

_OWNERS = """
SELECT t.slug, count(m.user_id), bool_and(u.account_id = t.account_id),
       bool_and(v.account_id = t.account_id)
  FROM teams t JOIN vaults v ON v.team_id = t.id
  LEFT JOIN vault_members m ON m.vault_id = v.id AND m.role = 'owner'
  LEFT JOIN users u ON u.id = m.user_id
 WHERE t.deleted_at IS NULL AND t.account_id = ANY(%s) GROUP BY t.slug
"""
_PEOPLE = """
SELECT account_id, id FROM users WHERE account_id = ANY(%s)
UNION
SELECT v.account_id, m.user_id FROM vault_members m JOIN vaults v ON v.id = m.vault_id
 WHERE v.account_id = ANY(%s)
"""
_PROMPTS = """
SELECT v.account_id FROM items i JOIN vaults v ON v.id = i.vault_id
 WHERE NOT i.deleted AND v.frozen_why IS DISTINCT FROM 'deleted'
   AND v.account_id = ANY(%s)
"""
_COUNTS = """
SELECT id, member_count, member_limit, prompt_count, stored_bytes,
       (SELECT id FROM vaults WHERE account_id = accounts.id LIMIT 1)
  FROM accounts WHERE id = ANY(%s)
"""
_FROZEN = """
SELECT DISTINCT account_id, coalesce(frozen_why, '') FROM vaults
 WHERE team_id IS NOT NULL AND frozen_why IS DISTINCT FROM 'deleted'
   AND account_id = ANY(%s)
"""
_VIEWS = """
SELECT m.user_id, v.id, m.role, v.name, t.slug, t.on_leave, v.frozen_why,
       ARRAY(SELECT label FROM label_rules WHERE vault_id = v.id ORDER BY label),
       (SELECT count(*) FROM vault_members WHERE vault_id = v.id)
  FROM vault_members m JOIN vaults v ON v.id = m.vault_id
  JOIN teams t ON t.id = v.team_id
 WHERE t.deleted_at IS NULL AND v.account_id = ANY(%s)
 ORDER BY m.user_id, v.id
"""
_ROSTERS = "SELECT id, roster_version FROM users WHERE account_id = ANY(%s)"


@dataclass
class Invariants:
    """Checks the teams of some accounts again and again."""

    rows: Rows
    accounts: Sequence[Any]
    _counts: dict[Any, int] = field(default_factory=dict)
    _rosters: dict[Any, int] = field(default_factory=dict)
    _views: dict[Any, list[Any]] = field(default_factory=dict)

    def check(self, *, may_exceed: bool = False) -> None:
        """Assert all that must hold; *may_exceed* after a change of the plan."""
        self._check_owners()
        self._check_counts(may_exceed)
        self._check_rosters()

    def _find(self, query: str) -> list[tuple[Any, ...]]:
        return self.rows(query, *[[*self.accounts]] * query.count("%s"))

    def _check_owners(self) -> None:
        for slug, count, *pays in self._find(_OWNERS):
            assert (count, pays) == (1, [True, True]), f"the owner of {slug}"

    def _check_counts(self, may_exceed: bool) -> None:
        people = Counter(account for account, _ in self._find(_PEOPLE))
        prompts = Counter(account for (account,) in self._find(_PROMPTS))
        frozen: dict[Any, set[str]] = {}
        for account, why in self._find(_FROZEN):
            frozen.setdefault(account, set()).add(why)
        for account, members, limit, held, size, vault in self._find(_COUNTS):
            assert members == people[account], "the number of people"
            assert held == prompts[account], "the number of prompts"
            ((stored,),) = self.rows(STORED, vault)
            assert size == stored, "the stored bytes"
            is_over = limit is not None and members > limit
            has_grown = members > self._counts.get(account, 1)
            assert may_exceed or not (is_over and has_grown), "too many people"
            self._counts[account] = members
            whys = frozen.get(account, set())
            assert whys <= {"plan" if is_over else ""}, "frozen, or not"

    def _check_rosters(self) -> None:
        views: dict[Any, list[Any]] = {}
        for user, *view in self._find(_VIEWS):
            views.setdefault(user, []).append(view)
        rosters = dict(self._find(_ROSTERS))
        for user in views.keys() | self._views.keys():
            if views.get(user) != self._views.get(user):
                assert rosters[user] > self._rosters.get(user, 0), "no roster raised"
        self._views, self._rosters = views, rosters
