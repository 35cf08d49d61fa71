"""What may be sent to a model."""

from typing import Any

import pytest

from promptvault.domain.prompt import Content, Prompt
from promptvault.errors import PermissionDeniedError
from promptvault.services.asking.secret_check import refuse_secrets, refuse_secrets_in
from tests.conftest import NOON
from tests.test_secret_scan import KEYS

KEY = KEYS["GitHub Token"]
OTHER = KEYS["AWS Access Key"]


def prompt(**more: Any) -> Prompt:
    """Return a prompt."""
    return Prompt(
        *("1", "deploy", "", "", ()),
        favourite=False,
        template=False,
        source="local",
        version=1,
        labels={},
        created_at=NOON,
        updated_at=NOON,
        **more,
    )


HELD_BACK = prompt(secrets=("GitHub Token",))
ALLOWED = prompt(secrets=("GitHub Token",), secrets_allowed=True)
OPEN = prompt()


def test_a_text_without_secrets_may_go() -> None:
    refuse_secrets(OPEN, Content("Deploy it."), "Deploy it.")


def test_a_prompt_that_is_held_back_may_not() -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        refuse_secrets(HELD_BACK, Content(f"Use {KEY}"), f"Use {KEY}")

    assert caught.value.exit_code == 4
    assert "deploy was not sent" in str(caught.value)
    assert "GitHub Token" in str(caught.value)
    assert "--allow-secrets" in str(caught.value)
    assert KEY not in str(caught.value)


def test_not_even_in_an_older_version_that_holds_none() -> None:
    with pytest.raises(PermissionDeniedError, match="GitHub Token"):
        refuse_secrets(HELD_BACK, Content("Deploy it."), "Deploy it.")


def test_an_older_version_that_holds_one_may_not_either() -> None:
    with pytest.raises(PermissionDeniedError):
        refuse_secrets(OPEN, Content(f"Use {KEY}"), f"Use {KEY}")


def test_its_own_may_go_where_somebody_allowed_them() -> None:
    refuse_secrets(ALLOWED, Content(f"Use {KEY}"), f"Please use {KEY} now")


def test_what_came_in_beside_them_may_not() -> None:
    with pytest.raises(PermissionDeniedError, match="AWS Access Key") as caught:
        refuse_secrets(ALLOWED, Content(f"Use {KEY}"), f"Use {KEY}, and {OTHER}")

    assert OTHER not in str(caught.value)


def test_what_a_value_or_a_pipe_brings_in_is_looked_at() -> None:
    with pytest.raises(PermissionDeniedError):
        refuse_secrets(OPEN, Content("Explain: {{ stdin }}", True), f"Explain: {KEY}")


@pytest.mark.parametrize("each", [OPEN, HELD_BACK, ALLOWED])
def test_all_may_go_for_who_says_so(each: Prompt) -> None:
    refuse_secrets(each, Content(f"Use {KEY}"), f"{KEY} {OTHER}", allowed=True)


def test_a_text_that_somebody_typed() -> None:
    refuse_secrets_in("The goal", "Shorter.")
    refuse_secrets_in("The goal", f"Use {KEY}", allowed=True)

    with pytest.raises(PermissionDeniedError, match="The goal was not sent") as caught:
        refuse_secrets_in("The goal", f"Use {KEY}")
    assert "GitHub Token" in str(caught.value)
    assert KEY not in str(caught.value)
