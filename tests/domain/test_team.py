"""Roles and short names of teams."""

import pytest

from promptvault.domain.team import (
    Right,
    Role,
    SharesBy,
    has_right,
    may_share,
    slug_of,
    validate_slug,
)
from promptvault.errors import InvalidInputError

RIGHTS = {
    Role.VIEWER: {Right.READ},
    Role.EDITOR: {Right.WRITE, Right.SHARE},
    Role.ADMIN: {
        *(Right.MOVE_PROTECTED, Right.SET_RULES, Right.REVOKE_SHARES, Right.INVITE),
        *(Right.MANAGE_MEMBERS, Right.READ_ACTIVITY, Right.RENAME),
    },
    Role.OWNER: {Right.SET_ON_LEAVE, Right.DELETE, Right.TRANSFER, Right.PAY},
}
"""What each role may do beyond the roles above it in this table."""


def test_each_role_may_do_what_the_table_says() -> None:
    rights: set[Right] = set()
    for role, more in RIGHTS.items():
        rights |= more
        assert {right for right in Right if has_right(role, right)} == rights
    assert rights == {*Right}


def test_a_role_of_a_newer_server_has_no_rights() -> None:
    assert not any(has_right("guest", right) for right in Right)
    assert not may_share("guest", SharesBy.EDITOR)


@pytest.mark.parametrize(
    ("shares_by", "roles"),
    [
        (SharesBy.EDITOR, {Role.EDITOR, Role.ADMIN, Role.OWNER}),
        (SharesBy.ADMIN, {Role.ADMIN, Role.OWNER}),
        (SharesBy.NOBODY, set()),
    ],
)
def test_a_team_says_who_may_share(shares_by: SharesBy, roles: set[Role]) -> None:
    assert {role for role in Role if may_share(role, shares_by)} == roles


@pytest.mark.parametrize("slug", ["ab", "acme", "a-1", "a" * 32, "team-2026"])
def test_short_names(slug: str) -> None:
    assert validate_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        *("", "a", "a" * 33, "1st", "-a", "Acme", "ac me", "ac_me", "a/b", "a:b"),
        *(
            "a-",
            "acme-",
            "a" * 200,
            "acme\u200b",
            "\u202eacme",
            "a\u0301cme",
            "\uff41cme",
        ),
        *("ünï", "\u0430cme", "acme\n", "a\0b", "personal", "me", "all", "new"),
    ],
)
def test_what_is_no_short_name(slug: str) -> None:
    with pytest.raises(InvalidInputError):
        validate_slug(slug)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme"),
        ("Ada's Team", "ada-s-team"),
        ("Café Zürich", "cafe-zurich"),
        (
            "A very long name of a team that has no end",
            "a-very-long-name-of-a-team-that",
        ),
    ],
)
def test_a_name_becomes_a_short_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["研究", "3M", "!!!", "Me", "X"])
def test_a_name_that_cannot_become_one(name: str) -> None:
    with pytest.raises(InvalidInputError, match="choose one"):
        slug_of(name)
