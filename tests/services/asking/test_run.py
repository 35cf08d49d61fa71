"""Messages from a prompt, its values and standard input."""

import pytest

from promptvault.cli.context import open_reader
from promptvault.domain.chat import Role
from promptvault.errors import (
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from promptvault.services.asking.run import PreparedRun, RunOptions, prepare_run
from tests.conftest import Pvt

KEY = "AK" + "IA" + "QWERTYUIOPASDFGH"
SYSTEM, USER, _ = Role


@pytest.fixture(autouse=True)
def filled(pvt: Pvt) -> None:
    """Save prompts and templates."""
    pvt.ok("add", "plain", "Sum up.")
    pvt.ok("add", "plain", "Sum up well.", "--upsert")
    pvt.ok("add", "asks", "Ask {{ who }}.", "--template")
    pvt.ok("add", "pipes", "Read <{{ stdin }}>.", "--template")
    pvt.ok("add", "tone", "Be {{ tone }}, {{ who }}.", "--template")
    pvt.ok("add", "may", "{% if who %}{{ who }}{% endif %}", "--template")


def order(reference: str, system: str | None = None, **values: str) -> RunOptions:
    return RunOptions(reference, values, system)


def composed(wanted: RunOptions, piped: str | None = None) -> PreparedRun:
    with open_reader() as reader:
        return prepare_run(reader, wanted, lambda: piped)


def messages(wanted: RunOptions, piped: str | None = None) -> list[tuple[Role, str]]:
    found = composed(wanted, piped).request.messages
    return [(message.role, message.content) for message in found]


@pytest.mark.parametrize("piped", [None, "", " \n\t"])
def test_with_nothing_piped_the_prompt_is_the_users_message(piped: str | None) -> None:
    assert messages(order("plain"), piped) == [(USER, "Sum up well.")]
    assert messages(order("plain@1"), piped) == [(USER, "Sum up.")]
    assert messages(order("asks", who="me"), piped) == [(USER, "Ask me.")]


def test_what_is_piped_is_the_users_message_and_the_prompt_the_systems() -> None:
    found = messages(order("plain"), "a text\n")
    assert found == [(SYSTEM, "Sum up well."), (USER, "a text\n")]


def test_what_is_piped_fills_a_template_that_asks_for_it() -> None:
    assert messages(order("pipes"), "a text\n") == [(USER, "Read <a text\n>.")]
    assert messages(order("pipes"), "") == [(USER, "Read <>.")]


def test_a_value_for_stdin_leaves_the_pipe_alone() -> None:
    def never() -> str:
        raise AssertionError

    with open_reader() as reader:
        found = prepare_run(reader, order("pipes", stdin="given"), never)
    assert found.request.messages[0].content == "Read <given>."


def test_what_is_piped_goes_before_a_declared_default(pvt: Pvt) -> None:
    body = b"---\nvariables:\n  stdin: {default: none}\n---\n<{{ stdin }}>"
    pvt.ok("add", "defaults", "-", "--template", stdin=body)
    assert messages(order("defaults"), "piped") == [(USER, "<piped>")]
    for nothing in ("", None):
        assert messages(order("defaults"), nothing) == [(USER, "<none>")]


def test_another_prompt_is_the_system_message() -> None:
    wanted = order("plain", "asks", who="me")
    assert messages(wanted) == [(SYSTEM, "Ask me."), (USER, "Sum up well.")]
    piped = (USER, "Sum up well.\n\na text")
    assert messages(wanted, "a text") == [(SYSTEM, "Ask me."), piped]
    assert composed(order("plain", "plain@1")).system is not None


def test_the_system_message_may_take_what_is_piped() -> None:
    found = messages(order("plain", "pipes"), "a text")
    assert found == [(SYSTEM, "Read <a text>."), (USER, "Sum up well.")]


def test_both_prompts_may_take_it() -> None:
    found = messages(order("pipes", "pipes@1"), "x")
    assert found == [(SYSTEM, "Read <x>."), (USER, "Read <x>.")]


def test_each_prompt_gets_the_values_it_knows() -> None:
    found = messages(order("asks", "tone", who="me", tone="kind"))
    assert found == [(SYSTEM, "Be kind, me."), (USER, "Ask me.")]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (order("plain", who="me"), "is not a template"),
        (order("asks", what="me"), "no variable 'what'"),
        (order("asks"), "lacks a value for: who"),
        (order("asks", "tone", who="me", tone="kind", more="x"), "variable 'more'"),
        (order("plain", "asks", who="me", more="x"), "is not a template"),
        (order("asks", "tone", who="me"), "tone lacks a value for: tone"),
        (order("pipes"), "Pipe the text in"),
        (order("may", who=""), "is empty"),
        (order("plain", "may", who=""), "is empty"),
    ],
)
def test_what_cannot_be_sent(wanted: RunOptions, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        composed(wanted)


def test_a_system_message_that_is_broken_is_told_as_such(pvt: Pvt) -> None:
    pvt.ok("add", "broken", "{{ tone", "--template")
    with pytest.raises(InvalidInputError, match="The template broken"):
        composed(order("asks", "broken", who="me", tone="kind"))


@pytest.mark.parametrize(
    "wanted", [order("none"), order("plain@9"), order("plain", "none")]
)
def test_what_is_not_there(wanted: RunOptions) -> None:
    with pytest.raises(NotFoundError):
        composed(wanted)


def held_back(wanted: RunOptions, piped: str | None = None) -> bool:
    """Return True if *wanted* is refused; if it is permitted, it is not."""
    composed(wanted._replace(allow_secrets=True), piped)
    try:
        composed(wanted, piped)
    except PermissionDeniedError:
        return True
    return False


def test_secrets_stay_here_wherever_they_come_from(pvt: Pvt) -> None:
    pvt.ok("add", "leaks", f"The key is {KEY}.")
    assert held_back(order("leaks"))
    assert held_back(order("plain", "leaks"))
    assert held_back(order("asks", who=KEY))
    assert held_back(order("plain"), KEY)
    assert held_back(order("pipes"), KEY)
    assert held_back(order("plain", "pipes"), KEY)
    assert not held_back(order("plain"), "a text")


def test_a_prompt_that_may_hold_its_secret_lets_no_other_out(pvt: Pvt) -> None:
    pvt.ok("add", "leaks", f"The key is {KEY}.")
    pvt.ok("set", "leaks", "--allow-secrets")
    assert not held_back(order("leaks"))
    assert held_back(order("leaks"), KEY[:-1] + "X")


def test_a_secret_of_an_older_version_stays_here(pvt: Pvt) -> None:
    pvt.ok("add", "leaks", f"The key is {KEY}.")
    pvt.ok("add", "leaks", "The key is gone.", "--upsert")
    assert not held_back(order("leaks"))
    assert held_back(order("leaks@1"))
