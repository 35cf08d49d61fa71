"""Prompts of promptfoo, from a configuration in either format, with Nunjucks."""

import json
from collections.abc import Mapping

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Candidate, Draft, Item, Skipped
from promptvault.importers.tools import promptfoo
from promptvault.importers.tools.promptfoo import translate_nunjucks
from tests.importers.build import Json, bodies, candidates, document, failures
from tests.importers.filling import filled

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


def test_broken_file_is_reported() -> None:
    with pytest.raises(ImportSourceError, match="YAML"):
        read("prompts: ['one\n")
    assert failures(read("a text"))


def test_prompt_that_is_one_variable_says_nothing() -> None:
    assert read("prompts: ['{{prompt}}']\ntests: []\n") == [Skipped("no text")]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("Hi {{name}}!", {"name": "Ann"}, "Hi Ann!"),
        ("{{ user.name }} {% x", {"user_name": "Ann"}, "Ann {% x"),
        ("{{ name | upper | trim }}{# note #}", {"name": " a "}, "A"),
        ("{% if vip %}Now: {% endif %}{{ x }}", {"x": "a"}, "a"),
        ("{% if vip %}Now: {% endif %}{{ x }}", {"x": "a", "vip": "y"}, "Now: a"),
        (
            "{%- if not a -%} one {%- elif b %} two {% else %}three{% endif %}",
            {"a": "x", "b": "y"},
            " two ",
        ),
    ],
)
def test_filled_in(text: str, values: Mapping[str, str], expected: str) -> None:
    assert filled(translate_nunjucks(text).draft(), values) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no tags",
        "{% for m in messages %}{{ m }}{% endfor %}",
        "{{ a + b }}",
        "{{ name | mine }}",
        "{{ env.KEY }}{% if x %}{% endif %}",
        "{% if a %}{{ b }}",
        "{% endif %}{{ b }}{% if a %}",
        "{% else %}{{ b }}",
        "{% if a and b %}x{% endif %}",
        "{% if range %}x{% endif %}",
        "{{ '}}' }}",
    ],
)
def test_the_rest_stays_literal(text: str) -> None:
    assert translate_nunjucks(text) == (text, False, ())


def test_what_is_only_asked_for_may_be_missing() -> None:
    variables = translate_nunjucks("{% if a %}{{ b }}{% endif %}").variables
    assert [(v.name, v.required) for v in variables] == [("a", False), ("b", True)]
