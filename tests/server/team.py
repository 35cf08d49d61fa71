"""Teams, created in the database, for tests."""

from typing import Any, NamedTuple
from uuid import UUID

import psycopg


class TeamIds(NamedTuple):
    """The ids of a team."""

    team: UUID
    vault: UUID
    account: UUID
    """Of the owner."""


def found_team(
    database_url: str, owner: str, slug: str = "acme", **members: str
) -> TeamIds:
    """Make a team with *members*, whose users exist: the name of each, and the role.

    The address of a member is the name at example.org.
    """
    with psycopg.connect(database_url) as connection:
        ids = insert_team(connection, owner, slug)
        for name, role in members.items():
            add_member(connection, ids, f"{name}@example.org", role)
        count_members(connection, ids.account)
    return ids


def insert_team(connection: psycopg.Connection[Any], owner: str, slug: str) -> TeamIds:
    """Make a team whose only member is its owner."""
    row = connection.execute(
        """
        WITH founder AS (SELECT id, account_id FROM users WHERE email = %(email)s),
        team AS (
            INSERT INTO teams (account_id, name, slug)
            SELECT account_id, initcap(%(slug)s), %(slug)s FROM founder RETURNING *),
        vault AS (
            INSERT INTO vaults (account_id, name, team_id)
            SELECT account_id, name, id FROM team RETURNING *),
        rule AS (
            INSERT INTO label_rules (vault_id, label, created_by)
            SELECT vault.id, 'production', founder.id FROM vault, founder),
        member AS (
            INSERT INTO vault_members (vault_id, user_id, role)
            SELECT vault.id, founder.id, 'owner' FROM vault, founder)
        SELECT team.id, vault.id, team.account_id FROM team, vault
        """,
        {"email": owner, "slug": slug},
    ).fetchone()
    assert row is not None
    return TeamIds(*row)


def member_counts(connection: psycopg.Connection[Any]) -> dict[UUID, tuple[int, int]]:
    """Return, for each account, the stored number of members and the number of rows."""
    rows = connection.execute(
        """
        SELECT a.id, a.member_count, count(DISTINCT people.id)
          FROM accounts a LEFT JOIN (
               SELECT account_id, id FROM users WHERE deleted_at IS NULL
               UNION SELECT v.account_id, m.user_id
                 FROM vaults v JOIN vault_members m ON m.vault_id = v.id
                WHERE v.frozen_why IS DISTINCT FROM 'deleted') people
            ON people.account_id = a.id
         WHERE a.deleted_at IS NULL GROUP BY a.id
        """
    ).fetchall()
    return {account: (stored, counted) for account, stored, counted in rows}


def add_member(
    connection: psycopg.Connection[Any], team: TeamIds, email: str, role: str
) -> None:
    """Add a user to a team."""
    connection.execute(
        "INSERT INTO vault_members (vault_id, user_id, role)"
        " SELECT %s, id, %s FROM users WHERE email = %s",
        (team.vault, role, email),
    )


def count_members(connection: psycopg.Connection[Any], account: UUID) -> None:
    """Set the number of members of an account to what its rows say."""
    connection.execute(
        """
        UPDATE accounts SET member_count = (
            SELECT count(*) FROM (
                SELECT id FROM users WHERE account_id = %(account)s
                UNION SELECT user_id FROM vault_members m JOIN vaults v
                    ON v.id = m.vault_id WHERE v.account_id = %(account)s) people)
         WHERE id = %(account)s
        """,
        {"account": account},
    )
