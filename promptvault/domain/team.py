"""Teams: what each role may do, and which short names a team may have."""

import re
import unicodedata
from enum import StrEnum

from promptvault.domain.name import slugify
from promptvault.errors import InvalidInputError


class Role(StrEnum):
    """The role of a member. A personal vault has an owner only."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"


class Right(StrEnum):
    """What a member may do in the vault of a team."""

    READ = "read"
    """Read and export prompts, copy them, and see the members."""
    WRITE = "write"
    """Change prompts, except for protected labels."""
    SHARE = "share"
    """Share prompts by link, unless the team forbids it; revoke own shares."""
    MOVE_PROTECTED = "move_protected"
    """Move protected labels, and rename or delete prompts that have one."""
    SET_RULES = "set_rules"
    """Choose the protected labels, and who may share."""
    REVOKE_SHARES = "revoke_shares"
    """Revoke shares of other members."""
    INVITE = "invite"
    MANAGE_MEMBERS = "manage_members"
    """Change the role of any member but the owner, or remove the member."""
    READ_ACTIVITY = "read_activity"
    RENAME = "rename"
    """Change the name of the team, and its short name."""
    SET_ON_LEAVE = "set_on_leave"
    """Choose what devices of former members do with their copies."""
    DELETE = "delete"
    TRANSFER = "transfer"
    """Make another member the owner."""
    PAY = "pay"


_ORDER = (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)

_LOWEST = {
    Right.READ: Role.VIEWER,
    Right.WRITE: Role.EDITOR,
    Right.SHARE: Role.EDITOR,
    Right.MOVE_PROTECTED: Role.ADMIN,
    Right.SET_RULES: Role.ADMIN,
    Right.REVOKE_SHARES: Role.ADMIN,
    Right.INVITE: Role.ADMIN,
    Right.MANAGE_MEMBERS: Role.ADMIN,
    Right.READ_ACTIVITY: Role.ADMIN,
    Right.RENAME: Role.ADMIN,
    Right.SET_ON_LEAVE: Role.OWNER,
    Right.DELETE: Role.OWNER,
    Right.TRANSFER: Role.OWNER,
    Right.PAY: Role.OWNER,
}
"""The lowest role that has each right. Each role has all rights of those below it."""


def has_right(role: str, right: Right) -> bool:
    """Return True if a member with *role* may do what *right* says.

    A role that a newer server has introduced has no rights.
    """
    return role in _ORDER and is_at_least(role, _LOWEST[right])


def is_at_least(role: str, lowest: Role) -> bool:
    """Return True if *role* is *lowest* or above it."""
    return _ORDER.index(Role(role)) >= _ORDER.index(lowest)


class OnLeave(StrEnum):
    """What devices of a former member do with their copy of the vault."""

    KEEP = "keep"
    WIPE = "wipe"


class SharesBy(StrEnum):
    """The lowest role that may share prompts of a team by link."""

    EDITOR = "editor"
    ADMIN = "admin"
    NOBODY = "nobody"


def may_share(role: str, shares_by: str) -> bool:
    """Return True if a member with *role* may share prompts of the team."""
    if shares_by == SharesBy.NOBODY or not has_right(role, Right.SHARE):
        return False
    return is_at_least(role, Role(shares_by))


class Frozen(StrEnum):
    """Why members of a vault may not write."""

    PLAN = "plan"
    """The account has more members than its plan allows. Admins may write."""
    DELETED = "deleted"
    """The team is deleted: its vault is deleted for all members."""
    OWNER_GONE = "owner_gone"
    """The account of the owner is deleted."""


DEFAULT_RULES = ("production",)
"""The protected labels of a new team."""

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_LONGEST_SLUG = 32
_RESERVED = frozenset({"personal", "me", "all", "new"})


def validate_slug(text: str) -> str:
    """Return *text* as the short name of a team; raise InvalidInputError."""
    if not _SLUG.fullmatch(text):
        raise InvalidInputError(
            "The short name of a team has 2 to 32 characters: a lower case letter"
            " first, then letters a-z, digits and '-', no '-' at the end."
        )
    if text in _RESERVED:
        raise InvalidInputError(f"The short name {text!r} has a meaning of its own.")
    return text


def slug_of(name: str) -> str:
    """Return the short name for a team called *name*.

    Raises InvalidInputError if nothing in the name can be in one.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    try:
        return validate_slug(slugify(plain, _LONGEST_SLUG))
    except InvalidInputError:
        raise InvalidInputError(
            "No short name can be made of the team's name: choose one (--slug)."
        ) from None
