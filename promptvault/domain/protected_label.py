"""Protected labels: which change of a prompt needs the right to move them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

State = Mapping[str, Any]
"""A prompt as `wire.prompt_state` defines it. Its labels have ids of versions."""


def protected_change(
    before: State | None, after: State | None, deleted: bool, rules: Collection[str]
) -> str | None:
    """Return a protected label that a change of a prompt would move, or None.

    The parameters are those of `moved_labels`.
    """
    return next(iter(moved_labels(before, after, deleted, rules)), None)


def moved_labels(
    before: State | None, after: State | None, deleted: bool, rules: Collection[str]
) -> list[str]:
    """Return the protected labels that a change of a prompt would move, sorted.

    *before* is the state of the prompt, None if there is none or it is deleted: a
    deleted prompt has no labels. *after* is its new state; *deleted* if the change
    deletes the prompt. *rules* are the protected labels of the vault.

    Renaming a prompt moves its labels too, because they are found by its name.
    """
    old, new = _labels(before), {} if deleted else _labels(after)
    is_renamed = not deleted and _name(before) != _name(after)
    return [
        label
        for label in sorted(rules)
        if old.get(label) != new.get(label) or (is_renamed and label in old)
    ]


def with_labels_of(
    head: State | None, state: State, rules: Collection[str]
) -> dict[str, Any]:
    """Return *state* with the protected labels of *head*, and its name if it has any.

    *head* is the state on the server, None if there is none or it is deleted.
    """
    theirs = {} if head is None else head.get("labels", {})
    kept = {label: id_ for label, id_ in theirs.items() if label in rules}
    free = {label: id_ for label, id_ in state["labels"].items() if label not in rules}
    name = state["name"] if head is None or not kept else head["name"]
    return {**state, "name": name, "labels": free | kept}


def _labels(state: State | None) -> dict[str, UUID]:
    labels = {} if state is None else state.get("labels", {})
    return {label: UUID(version) for label, version in labels.items()}


def _name(state: State | None) -> object:
    return None if state is None else state.get("name")
