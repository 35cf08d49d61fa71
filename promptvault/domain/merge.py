"""The three-way merge of a prompt that two sides changed, or a conflict."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from promptvault.domain.prompt import validate_body
from promptvault.errors import InvalidInputError


class MergedText(NamedTuple):
    """What a three-way merge of texts gave."""

    text: str
    clean: bool
    """False where the text holds conflict markers."""


MergeText = Callable[[str, str, str], MergedText]
"""Merges base, ours and theirs line by line."""

IsTemplate = Callable[[str], bool]
"""Tells whether a text can be read as a template."""


class State(NamedTuple):
    """All of a prompt that a person can change."""

    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    favourite: bool
    secrets_allowed: bool
    labels: Mapping[str, str]
    """Label to version id."""
    body: str
    template: bool
    variables: Mapping[str, Mapping[str, Any]]
    """As `variables_to_mapping` gives them; their order counts."""


class Merge(NamedTuple):
    """What came of a merge."""

    state: State | None
    """None on conflict."""
    conflicts: tuple[str, ...] = ()
    """The fields that both sides changed, and differently."""


class _Conflict(Exception):
    """Both sides changed one thing, and differently."""


def merge(
    base: State | None,
    ours: State,
    theirs: State,
    merge_text: MergeText,
    is_template: IsTemplate,
) -> Merge:
    """Merge what two sides made of *base*; without a base only equal ones merge.

    Tags, labels and variables are merged one by one, the body by *merge_text*, which
    is asked only when both sides changed it. A body that could not be saved (each side
    deleted what the other left) is a conflict, and so is a template that cannot be read
    where both sides could: a block that one side opened and the other closed.
    """
    if base is None:
        differing = tuple(f for f in State._fields if _differs(f, ours, theirs))
        return Merge(None if differing else theirs, differing)
    merged: dict[str, Any] = {}
    conflicts = []
    for field in State._fields:
        sides = (getattr(base, field), getattr(ours, field), getattr(theirs, field))
        try:
            merged[field] = _merge_field(field, *sides, merge_text)
        except _Conflict:
            conflicts.append(field)
    if conflicts:
        return Merge(None, tuple(conflicts))
    state = State(**merged)
    if _is_broken(state, ours, theirs, is_template):
        return Merge(None, ("body",))
    allowed = _may_leave(base, ours, theirs, state.body)
    return Merge(state._replace(secrets_allowed=allowed))


def _is_broken(
    merged: State, ours: State, theirs: State, is_template: IsTemplate
) -> bool:
    """Tell whether the merge made a template that cannot be read of two that can."""
    contents = {(state.template, state.body) for state in (ours, theirs)}
    if not merged.template or (True, merged.body) in contents:
        return False
    return not is_template(merged.body) and all(
        is_template(body) for template, body in contents if template
    )


def _merge_field(
    field: str, base: Any, ours: Any, theirs: Any, merge_text: MergeText
) -> Any:
    try:
        key = _declarations if field == "variables" else _itself
        return _three_way(base, ours, theirs, key)
    except _Conflict:
        match field:
            case "tags":
                return _merge_tags(base, ours, theirs)
            case "labels":
                return _merge_names(base, ours, theirs, _itself)
            case "variables":
                return _merge_names(base, ours, theirs, _declaration)
            case "body":
                return _merge_body(merge_text(base, ours, theirs))
        raise


def _three_way(base: Any, ours: Any, theirs: Any, key: Callable[[Any], Any]) -> Any:
    """Return what the only side that changed says; *key* tells values apart."""
    known = key(base)
    if key(ours) in (known, key(theirs)):
        return theirs
    if key(theirs) == known:
        return ours
    raise _Conflict


def _merge_tags(
    base: tuple[str, ...], ours: tuple[str, ...], theirs: tuple[str, ...]
) -> tuple[str, ...]:
    removed = set(base).difference(ours)
    added = [tag for tag in ours if tag not in base]
    return tuple(tag for tag in dict.fromkeys((*theirs, *added)) if tag not in removed)


def _merge_names(
    base: Mapping[str, Any],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    key: Callable[[Any], Any],
) -> dict[str, Any]:
    """Merge name by name; what one side lacks is None there."""
    merged = {
        name: _three_way(base.get(name), ours.get(name), theirs.get(name), key)
        for name in (*theirs, *(name for name in ours if name not in theirs))
    }
    return {name: value for name, value in merged.items() if value is not None}


def _merge_body(merged: MergedText) -> str:
    if not merged.clean:
        raise _Conflict
    try:
        return validate_body(merged.text)
    except InvalidInputError as error:
        raise _Conflict from error


def _may_leave(base: State, ours: State, theirs: State, body: str) -> bool:
    """Tell whether the secrets in the merged *body* are allowed to leave the vault.

    Permission was given for a text: only those whose text this is can pass it on, and
    what either side took back is taken back.
    """
    if base.secrets_allowed and not (ours.secrets_allowed and theirs.secrets_allowed):
        return False
    if ours.body == theirs.body:
        return ours.secrets_allowed or theirs.secrets_allowed
    if body in (ours.body, theirs.body):
        return (ours if body == ours.body else theirs).secrets_allowed
    return ours.secrets_allowed and theirs.secrets_allowed


def _differs(field: str, ours: State, theirs: State) -> bool:
    key = _declarations if field == "variables" else _itself
    return bool(key(getattr(ours, field)) != key(getattr(theirs, field)))


def _itself(value: Any) -> Any:
    return value


def _declaration(value: Any) -> str:
    # To Python 1, 1.0 and True are equal; as a default they print differently.
    return json.dumps(value, sort_keys=True)


def _declarations(variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _declaration(value)) for name, value in variables.items()]
