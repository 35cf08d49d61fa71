"""Which texts are slash commands, and which of them have arguments."""

import pytest

from promptvault.importers.conversation.command import is_bare_command, is_command


@pytest.mark.parametrize(
    ("body", "command", "bare"),
    [
        ("/clear", True, True),
        ("  /plugin:model \n", True, True),
        ("/?", True, True),
        ("/review-pr 42 be strict", True, False),
        ("/plan\nwith a line", True, False),
        ("/etc/hosts is wrong", False, False),
        ("see /clear", False, False),
        ("/", False, False),
        ("", False, False),
    ],
)
def test_a_command_begins_with_a_slash_and_a_name(
    body: str, command: bool, bare: bool
) -> None:
    assert is_command(body) is command
    assert is_bare_command(body) is bare
