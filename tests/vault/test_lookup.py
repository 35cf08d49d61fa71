"""Finding a prompt by a name that is nearly right."""

import pytest

from tests.conftest import Pvt


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("quickly", [True, False])
@pytest.mark.parametrize(
    ("typed", "guess"),
    [
        ("standpu", "work/standup"),
        ("STANDUP", "work/standup"),
        ("Work/Standup", "work/standup"),
        ("CAFÉ", "café"),
    ],
)
def test_a_mistyped_name_is_guessed(typed: str, guess: str, quickly: bool) -> None:
    pvt = Pvt(quickly=quickly)
    pvt.ok("add", "work/standup", "What is next?")
    pvt.ok("add", "café", "Coffee.")
    result = pvt("get", typed)
    assert result.code == 3
    assert f"Did you mean: {guess}?" in result.err
