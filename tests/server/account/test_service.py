"""Accounts: created in one transaction, and limited by their tier."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from promptvault.domain.tier import ALLOWANCES, MB, Tier
from promptvault.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from promptvault.server.admin import Admin
from tests.server.conftest import EMAIL


def _counts(database_url: str) -> list[int]:
    with psycopg.connect(database_url) as connection:
        return [
            connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in ("accounts", "users", "vaults", "vault_members")
        ]


@pytest.mark.parametrize("tier", Tier)
def test_an_account_has_a_user_and_an_empty_vault(
    admin: Admin, database_url: str, tier: Tier
) -> None:
    admin.add_user(EMAIL, tier)
    assert _counts(database_url) == [1, 1, 1, 1]
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT plan, prompt_limit, prompt_count, head_seq, gc_horizon,"
            " digest = decode(repeat('00', 32), 'hex'), m.role, u.role"
            " FROM accounts a JOIN vaults v ON v.account_id = a.id"
            " JOIN vault_members m ON m.vault_id = v.id"
            " JOIN users u ON u.id = m.user_id"
        ).fetchone()
    limit = ALLOWANCES[tier].prompts
    assert row == (tier, limit, 0, 0, 0, True, "owner", "owner")


def test_an_address_is_taken_in_any_spelling(admin: Admin, database_url: str) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    with pytest.raises(AlreadyExistsError):
        admin.add_user(f" {EMAIL.upper()} ", Tier.FREE)
    assert _counts(database_url) == [1, 1, 1, 1]


def test_of_many_who_want_one_address_one_gets_it(
    admin: Admin, database_url: str
) -> None:
    def add(_number: int) -> bool:
        try:
            admin.add_user(EMAIL, Tier.FREE)
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(add, range(8))) == 1
    assert _counts(database_url) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@", "@example.org", "a b@c.d", "a\n@b", "a@b@c"]
)
def test_what_is_no_address_makes_no_account(
    admin: Admin, database_url: str, text: str
) -> None:
    with pytest.raises(InvalidInputError):
        admin.add_user(text, Tier.FREE)
    assert _counts(database_url) == [0, 0, 0, 0]


def test_a_tier_changes(admin: Admin) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    admin.set_tier(EMAIL.upper(), Tier.PRO)
    (user,) = admin.users()
    assert (user.email, user.plan, user.prompt_limit) == (EMAIL, "pro", None)
    with pytest.raises(NotFoundError):
        admin.set_tier("bob@example.org", Tier.PRO)


def test_the_table_of_tiers() -> None:
    assert {tier.value: tuple(each) for tier, each in ALLOWANCES.items()} == {
        "free": (50, 0, 1, 10, 10 * MB),
        "pro": (None, None, 5, 1000, 10_000 * MB),
        "enterprise": (None, None, None, None, None),
    }
