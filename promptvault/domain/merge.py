"""The three-way merge of a prompt that two sides changed, or a conflict."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from promptvault.domain.prompt import validate_body
from promptvault.errors import InvalidInputError


class MergedText(NamedTuple):
    """The result of a three-way merge of texts."""

    text: str
    clean: bool
    """False if the text contains conflict markers."""


MergeText = Callable[[str, str, str], MergedText]
"""Merges base, ours and theirs, in this order, line by line."""

IsTemplate = Callable[[str], bool]
"""Returns True if a text can be parsed as a template."""


class EditableState(NamedTuple):
    """Everything in a prompt that a person can change."""

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
    """As `variables_to_mapping` returns them; their order is significant."""


class MergeResult(NamedTuple):
    """The result of a merge."""

    state: EditableState | None
    """None if there is a conflict."""
    conflicts: tuple[str, ...] = ()
    """The fields that both sides changed in different ways."""


class _Conflict(Exception):
    """Both sides changed one field in different ways."""


def merge(
    base: EditableState | None,
    ours: EditableState,
    theirs: EditableState,
    merge_text: MergeText,
    is_template: IsTemplate,
) -> MergeResult:
    """Merge two states derived from *base*; without a base only equal states merge.

    Tags, labels and variables are merged one by one. The body is merged by
    *merge_text*, which is called only if both sides changed it. It is a conflict if the
    merged body is not valid, as when each side deleted what the other one kept. It is
    also a conflict if both sides are valid templates and the merged one is not, as when
    one side opened a block and the other one closed it.
    """
    if base is None:
        differing = tuple(f for f in EditableState._fields if _differs(f, ours, theirs))
        return MergeResult(None if differing else theirs, differing)
    merged: dict[str, Any] = {}
    conflicts = []
    for field in EditableState._fields:
        sides = (getattr(base, field), getattr(ours, field), getattr(theirs, field))
        try:
            merged[field] = _merge_field(field, *sides, merge_text)
        except _Conflict:
            conflicts.append(field)
    if conflicts:
        return MergeResult(None, tuple(conflicts))
    state = EditableState(**merged)
    if _is_broken(state, ours, theirs, is_template):
        return MergeResult(None, ("body",))
    allowed = _may_leave(base, ours, theirs, state.body)
    return MergeResult(state._replace(secrets_allowed=allowed))


def _is_broken(
    merged: EditableState,
    ours: EditableState,
    theirs: EditableState,
    is_template: IsTemplate,
) -> bool:
    """Return True if the merged template is not valid although both sides are."""
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
    """Return the value of the side that changed; values are compared by *key*."""
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
    """Merge name by name; a name that one side lacks counts as None there."""
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


def _may_leave(
    base: EditableState, ours: EditableState, theirs: EditableState, body: str
) -> bool:
    """Return True if the secrets in the merged *body* may leave the vault.

    A permission covers the text for which it was given. So it holds for the merged text
    if that is the text of a side with the permission, or if both sides have it. If
    either side revoked it, it is revoked.
    """
    if base.secrets_allowed and not (ours.secrets_allowed and theirs.secrets_allowed):
        return False
    if ours.body == theirs.body:
        return ours.secrets_allowed or theirs.secrets_allowed
    if body in (ours.body, theirs.body):
        return (ours if body == ours.body else theirs).secrets_allowed
    return ours.secrets_allowed and theirs.secrets_allowed


def _differs(field: str, ours: EditableState, theirs: EditableState) -> bool:
    key = _declarations if field == "variables" else _itself
    return bool(key(getattr(ours, field)) != key(getattr(theirs, field)))


def _itself(value: Any) -> Any:
    return value


def _declaration(value: Any) -> str:
    # In Python 1, 1.0 and True are equal; as a default value they print differently.
    return json.dumps(value, sort_keys=True)


def _declarations(variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _declaration(value)) for name, value in variables.items()]
