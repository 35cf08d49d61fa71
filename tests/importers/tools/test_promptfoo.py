"""Prompts of promptfoo, from its configuration of either format."""

import json

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Candidate, Draft, Item, Skipped
from promptvault.importers.tools import promptfoo
from tests.importers.build import Json, bodies, candidates, document, failures

CONFIGURATION = """# yaml-language-server: $schema=https://example.org/x.json
description: About
prompts:
  - 'Translate to {{language}}: {{ text }}'
  - file://prompts/a.txt
  - prompts/b.json
  - langfuse://c@production
  - exec:./d.sh
  - id: file://e.txt
    label: E
  - id: f
    label: F
    raw: |-
      Plain.
  - label: F
    raw: Other.
  - 7
providers: [openai:gpt-5]
tests:
  - vars: {language: French, prompt: not this}
"""


def read(text: str, name: str = "promptfooconfig.yaml") -> list[Item]:
    return list(promptfoo.read(document(text.encode(), name)))


def test_prompts_of_a_configuration() -> None:
    items = read(CONFIGURATION)
    first, *others = candidates(items)
    assert first.drafts[0].body == "Translate to {{ language }}: {{ text }}"
    assert [v.name for v in first.drafts[0].variables] == ["language", "text"]
    assert others == [
        Candidate((Draft("Plain.", message_id="F"),), title="F", name="F"),
        Candidate((Draft("Other."),), title="F", name="F"),
    ]
    assert Skipped("prompt in another file", 5) in items
    (bad,) = failures(items)
    assert bad.where == "promptfooconfig.yaml, prompt 9"


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ("one", ["one"]),
        (["one", "two"], ["one", "two"]),
        ({"one": "A", "prompts/b.txt": "B"}, ["one"]),
        ([], []),
    ],
)
@pytest.mark.parametrize("name", ["promptfooconfig.json", "promptfooconfig.yaml"])
def test_shapes_of_the_list(name: str, prompts: Json, expected: list[str]) -> None:
    text = json.dumps({"prompts": prompts, "providers": ["x"]}, indent=1)
    assert promptfoo.probe(document(text.encode(), name))
    assert bodies(read(text, name)) == expected


def test_list_of_prompts_that_a_configuration_refers_to() -> None:
    text = "- file://a.txt\n- id: b\n  raw: one {{ x }}\n- two words\n"
    assert promptfoo.probe(document(text.encode(), "prompts.yaml"))
    assert bodies(read(text)) == ["one {{ x }}", "two words"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "prompts: [a]\n"),
        ("a.yaml", "providers: [a]\ntests: []\n"),
        ("a.yaml", "- id: a\n- id: b\n"),
        ("a.yaml", "- id: 1\n  raw: x\n- other: 1\n"),
        ("a.txt", "prompts: [a]\nproviders: [b]\n"),
        ("a.json", '{"prompts": [{"name": "a"}]}'),
    ],
)
def test_other_files_are_left_alone(name: str, text: str) -> None:
    assert not promptfoo.probe(document(text.encode(), name))


def test_broken_file_is_told() -> None:
    with pytest.raises(ImportSourceError, match="YAML"):
        read("prompts: ['one\n")
    assert failures(read("a text"))


def test_prompt_that_is_one_variable_says_nothing() -> None:
    assert read("prompts: ['{{prompt}}']\ntests: []\n") == [Skipped("no text")]
