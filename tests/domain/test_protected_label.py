"""Which changes of a prompt move a protected label."""

from typing import Any
from uuid import uuid4

import pytest

from promptvault.domain.protected_label import protected_change

ONE, TWO = str(uuid4()), str(uuid4())


def state(name: str = "review", **labels: str) -> dict[str, Any]:
    return {"name": name, "title": "Review", "labels": labels}


@pytest.mark.parametrize(
    ("before", "after", "deleted", "moved"),
    [
        # A new prompt.
        (None, state(), False, None),
        (None, state(draft=ONE), False, None),
        (None, state(production=ONE), False, "production"),
        # An edit.
        (state(production=ONE), state(production=ONE), False, None),
        (state(production=ONE), state(production=ONE.upper()), False, None),
        (state(production=ONE), state(production=ONE, draft=TWO), False, None),
        (state(draft=ONE), state(draft=TWO), False, None),
        (state(), state(production=ONE), False, "production"),
        (state(production=ONE), state(production=TWO), False, "production"),
        (state(production=ONE), state(), False, "production"),
        (state(production=ONE), {"name": "review"}, False, "production"),
        (state(production=ONE), state(Production=ONE), False, "production"),
        # Two labels: the first in their order is named.
        (state(stable=ONE), state(production=ONE), False, "production"),
        (state(stable=ONE), state(), False, "stable"),
        # A new name.
        (state("a"), state("b"), False, None),
        (state("a", draft=ONE), state("b", draft=ONE), False, None),
        (state("a", production=ONE), state("b", production=ONE), False, "production"),
        # A deletion.
        (state(), state(), True, None),
        (state(draft=ONE), None, True, None),
        (state(production=ONE), None, True, "production"),
        (state(production=ONE), state(production=ONE), True, "production"),
        (state("a", production=ONE), state("b", production=ONE), True, "production"),
        # A change of a deleted prompt, which has no labels.
        (None, state(production=ONE), True, None),
        (None, None, True, None),
    ],
)
def test_the_protected_label_that_a_change_moves(
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    deleted: bool,
    moved: str | None,
) -> None:
    assert protected_change(before, after, deleted, {"production", "stable"}) == moved
    assert protected_change(before, after, deleted, set()) is None
