"""The action for a prompt that has changed on the server: every case of `decide`."""

from typing import NamedTuple

import pytest

from promptvault.vault.sync.apply_change import Action, Base, Local, decide
from promptvault.vault.sync.item import Revision, State

TEXT: State = {"text": "common"}
OURS: State = {"text": "ours"}
THEIRS: State = {"text": "theirs"}

KNOWN = Base("base")
BOTH_NEW = Base(None)
"""Both devices created the prompt: there is no common ancestor."""
UNKNOWN = Base(None, is_known=False)
"""Only the server can say what the common ancestor is."""


def live(
    state: State, rev: str = "theirs", descends_from: tuple[str, ...] = ()
) -> Revision:
    """Return a revision of the server."""
    return Revision(rev, None, False, None, state, descends_from)


def trashed(state: State, rev: str = "theirs") -> Revision:
    """Return a revision of the server in which the prompt is in the trash."""
    return Revision(rev, None, True, None, state)


REMOVED = Revision("theirs", None, True, None, None)
"""The prompt is deleted permanently on the server."""


class Case(NamedTuple):
    """A row of the table."""

    name: str
    ours: Local | None
    theirs: Revision
    base: Base
    action: Action


CASES = [
    Case("new here", None, live(THEIRS), BOTH_NEW, Action.ADD),
    Case("new here, in the trash", None, trashed(THEIRS), BOTH_NEW, Action.ADD),
    Case("removed before it came here", None, REMOVED, BOTH_NEW, Action.IGNORE),
    # The server has what we sent.
    Case(
        "our own revision",
        Local("same", OURS),
        live(OURS, "same"),
        KNOWN,
        Action.ACKNOWLEDGE,
    ),
    Case(
        "our own revision, acknowledged before",
        Local("same", OURS, is_clean=True),
        live(OURS, "same"),
        KNOWN,
        Action.ACKNOWLEDGE,
    ),
    Case(
        "our own deletion",
        Local("same", OURS, deleted=True),
        trashed(OURS, "same"),
        KNOWN,
        Action.ACKNOWLEDGE,
    ),
    Case(
        "our own removal",
        Local("theirs", None, deleted=True, can_get_versions=False),
        REMOVED,
        KNOWN,
        Action.ACKNOWLEDGE,
    ),
    Case(
        "an ancestor of ours",
        Local("newer", OURS, ancestors={"newer", "theirs", "base"}),
        live(THEIRS),
        KNOWN,
        Action.ACKNOWLEDGE,
    ),
    Case(
        "an ancestor of ours, the base being unknown",
        Local("newer", OURS, ancestors={"newer", "theirs"}),
        live(THEIRS),
        UNKNOWN,
        Action.ACKNOWLEDGE,
    ),
    Case(
        "an ancestor of our removal",
        Local(
            "newer", None, deleted=True, ancestors={"theirs"}, can_get_versions=False
        ),
        live(THEIRS),
        KNOWN,
        Action.ACKNOWLEDGE,
    ),
    # Only the server has changed.
    Case(
        "edited there",
        Local("base", TEXT, is_clean=True),
        live(THEIRS),
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "deleted there",
        Local("base", TEXT, is_clean=True),
        trashed(TEXT),
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "removed there",
        Local("base", TEXT, is_clean=True),
        REMOVED,
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "restored there",
        Local("base", TEXT, deleted=True, is_clean=True),
        live(THEIRS),
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "created there again after a removal",
        Local("base", None, deleted=True, is_clean=True),
        live(THEIRS),
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "theirs descends from ours",
        Local("older", OURS),
        live(THEIRS, descends_from=("x", "older")),
        UNKNOWN,
        Action.FOLLOW,
    ),
    # Both sides made the same change.
    Case("the same edit", Local("ours", TEXT), live(TEXT), KNOWN, Action.FOLLOW),
    Case(
        "the same new prompt",
        Local("ours", TEXT),
        live(TEXT),
        BOTH_NEW,
        Action.FOLLOW,
    ),
    Case(
        "the same new prompt, the base being unknown",
        Local("ours", TEXT),
        live(TEXT),
        UNKNOWN,
        Action.FOLLOW,
    ),
    Case(
        "deleted on both sides",
        Local("ours", OURS, deleted=True),
        trashed(THEIRS),
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "deleted here, removed there",
        Local("ours", OURS, deleted=True),
        REMOVED,
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "removed on both sides",
        Local("ours", None, deleted=True, can_get_versions=False),
        REMOVED,
        KNOWN,
        Action.FOLLOW,
    ),
    # Deleted permanently here, in the trash on the server: the first goes further.
    Case(
        "removed here, deleted there",
        Local("ours", None, deleted=True),
        trashed(THEIRS),
        KNOWN,
        Action.KEEP,
    ),
    # The versions of a permanently deleted prompt are not on this device.
    Case(
        "removed here, edited there",
        Local("ours", None, deleted=True, can_get_versions=False),
        live(THEIRS),
        KNOWN,
        Action.REREAD,
    ),
    Case(
        "removed here, deleted there, without versions",
        Local("ours", None, deleted=True, can_get_versions=False),
        trashed(THEIRS),
        UNKNOWN,
        Action.REREAD,
    ),
    Case(
        "removed here, edited there, with versions",
        Local("ours", None, deleted=True),
        live(THEIRS),
        KNOWN,
        Action.FOLLOW,
    ),
    # The common ancestor is not known: it is requested from the server first.
    Case(
        "edited on both sides, the base being unknown",
        Local("ours", OURS),
        live(THEIRS),
        UNKNOWN,
        Action.ASK,
    ),
    Case(
        "deleted there, the base being unknown",
        Local("ours", OURS),
        trashed(THEIRS),
        UNKNOWN,
        Action.ASK,
    ),
    Case(
        "deleted here, the base being unknown",
        Local("ours", OURS, deleted=True),
        live(THEIRS),
        UNKNOWN,
        Action.ASK,
    ),
    # An edit wins over a deletion.
    Case(
        "edited here, deleted there",
        Local("ours", OURS),
        trashed(TEXT),
        KNOWN,
        Action.KEEP,
    ),
    Case(
        "edited here, removed there", Local("ours", OURS), REMOVED, KNOWN, Action.KEEP
    ),
    Case(
        "deleted here, edited there",
        Local("ours", TEXT, deleted=True),
        live(THEIRS),
        KNOWN,
        Action.FOLLOW,
    ),
    Case(
        "edited back to what was deleted there",
        Local("ours", TEXT),
        trashed(TEXT),
        KNOWN,
        Action.KEEP,
    ),
    # A copied home sends a new prompt a second time: that is no edit.
    Case(
        "a copy of what was deleted there",
        Local("ours", TEXT),
        trashed(TEXT),
        BOTH_NEW,
        Action.FOLLOW,
    ),
    Case(
        "a copy that was restored from the trash",
        Local("ours", TEXT, was_restored=True),
        trashed(TEXT),
        BOTH_NEW,
        Action.KEEP,
    ),
    Case(
        "another new prompt than was deleted there",
        Local("ours", OURS),
        trashed(TEXT),
        BOTH_NEW,
        Action.KEEP,
    ),
    Case(
        "a new prompt that was removed there",
        Local("ours", OURS),
        REMOVED,
        BOTH_NEW,
        Action.KEEP,
    ),
    # Both edited.
    Case(
        "edited on both sides", Local("ours", OURS), live(THEIRS), KNOWN, Action.MERGE
    ),
    Case(
        "two new prompts with one id",
        Local("ours", OURS),
        live(THEIRS),
        BOTH_NEW,
        Action.MERGE,
    ),
    Case(
        "restored here, edited there",
        Local("ours", OURS, was_restored=True),
        live(THEIRS),
        KNOWN,
        Action.MERGE,
    ),
]


def is_same(ours: State, theirs: State) -> bool:
    """Return True if two states have the same content."""
    return ours == theirs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_decision(case: Case) -> None:
    assert decide(case.ours, case.theirs, case.base, is_same) is case.action


def test_every_action_is_in_the_table() -> None:
    assert {case.action for case in CASES} == set(Action)


def test_contents_are_compared_only_if_the_decision_depends_on_it() -> None:
    """It reads both versions from the vault."""

    def fail(ours: State, theirs: State) -> bool:
        raise AssertionError

    clean = Local("base", TEXT, is_clean=True)
    assert decide(None, live(THEIRS), BOTH_NEW, fail) is Action.ADD
    assert decide(clean, live(THEIRS), KNOWN, fail) is Action.FOLLOW
    assert decide(clean, live(THEIRS, "base"), KNOWN, fail) is Action.ACKNOWLEDGE
