"""The merge of a prompt: a change of one side is kept, and no text is lost."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.merge import EditableState, MergedText, MergeResult, merge

BASE = EditableState(
    name="coding/review",
    title="Review",
    description="Reviews code.",
    tags=("code", "daily"),
    favourite=False,
    secrets_allowed=False,
    labels={"production": "v1", "old": "v0"},
    body="one\ntwo\nthree\n",
    template=False,
    variables={"x": {"default": 1}, "y": {"description": "Why"}},
)


def refuse(base: str, ours: str, theirs: str) -> MergedText:
    """Merge texts with a conflict for every change of both sides."""
    return MergedText(f"<<<<<<<\n{ours}{theirs}", clean=False)


def is_readable(body: str) -> bool:
    """Check a template, in place of its engine: each opened block is closed."""
    return body.count("{") == body.count("}")


def append(base: str, ours: str, theirs: str) -> MergedText:
    """Merge texts without any conflict."""
    return MergedText(f"{ours}{theirs}", clean=True)


def merged(
    base: EditableState, ours: EditableState, theirs: EditableState
) -> EditableState:
    """Return the merged state, without conflict."""
    state = merge(base, ours, theirs, append, is_readable).state
    assert state
    return state


ids = st.sampled_from(["v0", "v1", "v2"])
words = st.sampled_from(["a", "b", "c", "d"])
values = st.sampled_from([0, False, 0.0, 1, True, "1"])
variables = st.dictionaries(words, st.fixed_dictionaries({"default": values}))
states = st.builds(
    EditableState,
    name=words,
    title=words,
    description=words,
    tags=st.lists(words, unique=True).map(tuple),
    favourite=st.booleans(),
    secrets_allowed=st.booleans(),
    labels=st.dictionaries(words, ids),
    body=words,
    template=st.booleans(),
    variables=variables,
)


def exact(state: EditableState | None) -> str:
    """Return a state so that 1, 1.0 and True differ, as does the order of names."""
    return repr(state and state._replace(labels=dict(sorted(state.labels.items()))))


@given(states, states)
def test_what_one_side_alone_changed_stands(
    base: EditableState, changed: EditableState
) -> None:
    assert exact(merge(base, changed, base, refuse, is_readable).state) == exact(
        changed
    )
    assert exact(merge(base, base, changed, refuse, is_readable).state) == exact(
        changed
    )


@given(states, states)
def test_what_both_changed_alike_stands(
    base: EditableState, changed: EditableState
) -> None:
    assert exact(merge(base, changed, changed, refuse, is_readable).state) == exact(
        changed
    )
    assert exact(merge(None, changed, changed, refuse, is_readable).state) == exact(
        changed
    )


def without_order(state: EditableState) -> EditableState:
    """Return a state whose tags and variables are in alphabetical order."""
    tags, variables = tuple(sorted(state.tags)), dict(sorted(state.variables.items()))
    return state._replace(tags=tags, variables=variables)


@given(states, states, states)
def test_it_is_no_matter_which_side_is_ours(
    base: EditableState, one: EditableState, other: EditableState
) -> None:
    here, there = (
        merge(base, one, other, refuse, is_readable),
        merge(base, other, one, refuse, is_readable),
    )
    assert here.conflicts == there.conflicts
    if here.state and there.state:
        assert exact(without_order(here.state)) == exact(without_order(there.state))


@given(states, states, states)
def test_every_change_is_in_the_result_or_named_as_a_conflict(
    base: EditableState, ours: EditableState, theirs: EditableState
) -> None:
    state, conflicts = merge(base, ours, theirs, refuse, is_readable)
    assert (state is None) == bool(conflicts)
    if state is None:
        return
    for side, other in ((ours, theirs), (theirs, ours)):
        for field in ("name", "title", "description", "favourite", "template", "body"):
            if getattr(side, field) != getattr(base, field):
                assert getattr(state, field) == getattr(side, field)
        assert set(side.tags) - set(base.tags) <= set(state.tags)
        assert not (set(base.tags) - set(side.tags)) & set(state.tags)
        for of in (lambda s: s.labels, lambda s: s.variables):
            assert_changes_stand(of, base, side, other, state)


def assert_changes_stand(
    of: Callable[[EditableState], Mapping[str, Any]],
    base: EditableState,
    side: EditableState,
    other: EditableState,
    result: EditableState,
) -> None:
    """Assert that what *side* set, changed or removed is so in *result*."""
    for name in {*of(base), *of(side), *of(other)}:
        now = of(side).get(name)
        if repr(now) != repr(of(base).get(name)):
            assert repr(of(result).get(name)) == repr(now)


@pytest.mark.parametrize("field", ["name", "title", "description", "body"])
def test_a_field_that_both_changed_differently_is_a_conflict(field: str) -> None:
    ours, theirs = (EditableState(**BASE._asdict() | {field: side}) for side in "ab")
    assert merge(BASE, ours, theirs, refuse, is_readable) == MergeResult(None, (field,))


def test_different_fields_of_two_sides_come_together() -> None:
    ours = BASE._replace(title="New", favourite=True, body="one\n")
    theirs = BASE._replace(name="review", template=True, description="Short.")
    assert merge(BASE, ours, theirs, refuse, is_readable).state == BASE._replace(
        title="New",
        favourite=True,
        body="one\n",
        name="review",
        template=True,
        description="Short.",
    )


def test_tags_are_merged_one_by_one_in_their_order_with_ours_behind() -> None:
    ours = BASE._replace(tags=("new", "daily"))
    theirs = BASE._replace(tags=("shared", "daily", "code"))
    state = merged(BASE, ours, theirs)
    assert state.tags == ("shared", "daily", "new")


def test_labels_are_merged_one_by_one() -> None:
    ours = BASE._replace(labels={"production": "v2", "old": "v0"})
    theirs = BASE._replace(labels={"production": "v1", "draft": "v3"})
    state = merged(BASE, ours, theirs)
    assert state.labels == {"production": "v2", "draft": "v3"}
    other = BASE._replace(labels={"old": "v0"})
    assert merge(BASE, ours, other, refuse, is_readable) == MergeResult(
        None, ("labels",)
    )


def test_variables_are_merged_one_by_one() -> None:
    ours = BASE._replace(variables={"x": {"default": 2}, "z": {}})
    theirs = BASE._replace(variables={**BASE.variables, "w": {}})
    state = merged(BASE, ours, theirs)
    assert list(state.variables) == ["x", "w", "z"]
    assert state.variables["x"] == {"default": 2}
    other = BASE._replace(variables={**BASE.variables, "x": {"default": True}})
    assert merge(BASE, ours, other, refuse, is_readable) == MergeResult(
        None, ("variables",)
    )


def test_a_default_that_python_finds_equal_is_a_change() -> None:
    variables = {**BASE.variables, "x": {"default": True}}
    for ours, theirs in (
        (BASE._replace(variables=variables), BASE),
        (BASE, BASE._replace(variables=variables)),
    ):
        state = merged(BASE, ours, theirs)
        assert state.variables["x"]["default"] is True
        assert merge(None, ours, theirs, refuse, is_readable) == MergeResult(
            None, ("variables",)
        )


@pytest.mark.parametrize(
    ("ours", "theirs", "clean"),
    [
        (("{a", True), ("b}", True), True),  # neither could be read before
        (("{a}", True), ("{b}", True), True),
        (("{a}{", False), ("{b}", True), False),  # our text, their kind
        (("{a", False), ("b", False), True),  # no template at all
    ],
)
def test_a_merge_of_sound_templates_is_sound_or_a_conflict(
    ours: tuple[str, bool], theirs: tuple[str, bool], clean: bool
) -> None:
    mine, other = (
        BASE._replace(body=body, template=kind) for body, kind in (ours, theirs)
    )
    found = merge(BASE, mine, other, append, is_readable)
    assert (found.state is not None) == clean
    assert clean or found == MergeResult(None, ("body",))


def test_without_a_base_only_equal_ones_merge() -> None:
    relabelled = BASE._replace(labels=dict(list(BASE.labels.items())[::-1]))
    assert merge(None, BASE, relabelled, refuse, is_readable).state == BASE
    other = BASE._replace(title="Other", tags=())
    assert merge(None, BASE, other, append, is_readable) == MergeResult(
        None, ("title", "tags")
    )


def test_a_body_that_could_not_be_saved_is_a_conflict() -> None:
    ours, theirs = BASE._replace(body="one\n"), BASE._replace(body="three\n")
    found = merge(
        BASE, ours, theirs, lambda *_: MergedText("\n", clean=True), is_readable
    )
    assert found == MergeResult(None, ("body",))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "allowed"),
    [
        # What one side allowed is about its own text, not the other's.
        (False, ("mine", True), ("base", False), True),
        (False, ("base", True), ("theirs", False), False),
        (False, ("mine", True), ("theirs", False), False),
        (False, ("mine", True), ("theirs", True), True),
        (False, ("mine", True), ("mine", False), True),
        # What either side removed stays removed.
        (True, ("mine", True), ("base", False), False),
        (True, ("mine", False), ("theirs", True), False),
        (True, ("mine", True), ("theirs", True), True),
    ],
)
def test_secrets_may_leave_only_where_the_side_with_the_text_allowed_it(
    base: bool, ours: tuple[str, bool], theirs: tuple[str, bool], allowed: bool
) -> None:
    sides = [
        BASE._replace(body=body, secrets_allowed=may) for body, may in (ours, theirs)
    ]
    origin = BASE._replace(body="base", secrets_allowed=base)
    for one, other in (sides, sides[::-1]):
        assert merged(origin, one, other).secrets_allowed is allowed
