"""Snippets of pet are imported as prompts with variables."""

import pytest

from promptvault.domain.variable import Variable
from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Candidate, Draft, Item, Skipped
from promptvault.importers.tools import pet
from tests.importers.build import bodies, candidates, document, failures
from tests.importers.filling import filled

SNIPPETS = """
[[snippets]]
  description = "ask a/b"
  command = "tell <who=me> about <topic=|_git_||_go lang_|>, <who> <plain one>"
  tag = ["work", "two words"]
  output = ""

[[Snippets]]
  Description = ""
  Command = '''
first {{ line }}
second'''
  Tag = "x"

[[snippets]]
  description = "nothing"
  command = ""
"""


def read(text: str) -> list[Item]:
    return list(pet.read(document(text.encode(), "snippet.toml")))


def test_snippet_carries_all_that_the_file_says() -> None:
    (ask,) = candidates(read(SNIPPETS.partition("[[Snip")[0]))
    assert ask == Candidate(
        (
            Draft(
                "tell {{ who }} about {{ topic }}, {{ who }} {{ plain_one }}",
                message_id="ask a/b",
                template=True,
                variables=(
                    Variable("who", default="me", required=False),
                    Variable(
                        "topic",
                        default="git",
                        choices=("git", "go lang"),
                        required=False,
                    ),
                    Variable("plain_one", "plain one"),
                ),
            ),
        ),
        title="ask a/b",
        name="ask a b",
        tags=("work", "two words"),
    )
    values = {"plain_one": "x", "topic": "go lang"}
    assert filled(ask.drafts[0], values) == "tell me about go lang, me x"


def test_keys_in_capitals_and_text_of_many_lines() -> None:
    items = read(SNIPPETS)
    assert bodies(items)[1:] == ["first {{ line }}\nsecond"]
    assert Skipped("no text") in items
    assert candidates(items)[1].tags == ("x",)


@pytest.mark.parametrize(
    "command", ["a < b > c", "cat <<EOF > x", "x <> y", "<", "<a\n b>c", "1 <2"]
)
def test_what_is_no_parameter_stays(command: str) -> None:
    (draft,) = candidates(read(f"[[snippets]]\ncommand = '''{command}'''"))[0].drafts
    assert draft in (Draft(command), draft._replace(template=True))
    if command != "<a\n b>c":
        assert draft == Draft(command)


def test_several_commands_and_equal_descriptions() -> None:
    snippet = "[[snippets]]\ndescription = 'd'\ncommands = ['one', 'two']\n"
    found = candidates(read(snippet + snippet))
    assert [c.drafts[0].message_id for c in found] == ["d", None, None, None]


def test_broken_file_is_reported_without_its_text() -> None:
    with pytest.raises(
        ImportSourceError, match=r"^it is not valid TOML \(at line 2, co"
    ):
        read("[[snippets]]\nsecret == 1")


def test_strange_entries() -> None:
    items = read("snippets = [1, {command = 'one'}]")
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 1


@pytest.mark.parametrize(
    "data",
    [b"[[snippets]]\ndescription = 'no command'", b"[tool]\ncommand = 'x'", b"", b"{}"],
)
def test_other_toml_is_left_alone(data: bytes) -> None:
    assert not pet.probe(document(data, "snippet.toml"))


def test_program_that_quotes_snippets_is_none() -> None:
    assert not pet.probe(document(SNIPPETS.encode(), "test_pet.py"))
