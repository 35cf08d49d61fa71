"""Templates of simonw/llm: their variables, defaults and system prompts."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.domain.variable import Variable
from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Draft,
    Item,
    Skipped,
)
from promptvault.importers.tools import llm
from promptvault.importers.tools.template import translate
from tests.importers.build import bodies, candidates, document, failures
from tests.importers.filling import filled


def read(text: str, name: str = "templates/sum.yaml") -> list[Item]:
    return list(llm.read(document(text.encode(), name)))


def test_template_with_prompt_and_system_prompt() -> None:
    items = read(
        "model: gpt-4o\nprompt: 'Sum up in $lang for $$5: $input'\n"
        "system: You are ${who}.\ndefaults: {lang: French, who: null, n: 1}\n"
    )
    assert items == [
        Candidate(
            (
                Draft(
                    "Sum up in {{ lang }} for $5: {{ stdin }}",
                    message_id="sum",
                    model="gpt-4o",
                    template=True,
                    variables=(Variable("lang", default="French", required=False),),
                ),
            ),
            title="sum",
            name="sum",
        ),
        Candidate(
            (
                Draft(
                    "You are {{ who }}.",
                    message_id="sum-system",
                    model="gpt-4o",
                    template=True,
                    variables=(Variable("who"),),
                ),
            ),
            CandidateKind.INSTRUCTIONS,
            title="sum-system",
            name="sum-system",
        ),
    ]


def test_system_prompt_alone_has_the_name_of_the_template() -> None:
    (found,) = candidates(read("system: Be brief."), CandidateKind.INSTRUCTIONS)
    assert found.name == "sum"
    assert found.drafts == (Draft("Be brief.", message_id="sum"),)


def test_default_of_any_type_is_text() -> None:
    (found,) = candidates(read("prompt: $n $day\ndefaults: {n: 1, day: 2026-05-01}"))
    assert filled(found.drafts[0]) == "1 2026-05-01"


@given(st.text(st.sampled_from("${}ab_ %#\n")), st.text("{}$x", max_size=4))
@settings(max_examples=300, deadline=None)
def test_filled_in_as_llm_does(text: str, value: str) -> None:
    body = f"{text}$input"
    pieces = llm._pieces(body, {})  # YAML cannot hold all of these texts
    draft = translate(pieces).draft()
    names = string.Template(body).pattern.finditer(body)
    called = {found["named"] or found["braced"]: value for found in names}
    called.pop(None, None)
    given = {variable.name: value for variable in draft.variables}
    expected = string.Template(body).safe_substitute({**called, "input": "IN"})
    assert filled(draft, given, "IN") == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", "prompt: x", True),
        ("a.yml", "system: x\nmodel: m\nextract: true\nfragments: [a]\n", True),
        ("a.yaml", "prompt: x\nsteps: []\n", False),
        ("a.yaml", "prompt: [x]\n", False),
        ("a.yaml", "model: x\n", False),
        ("a.yaml", "A prompt by itself.", False),
        ("templates/a.yaml", "A prompt by itself.", True),
        ("templates/a.yaml", "replicas: 1\n", False),
        ("templates/a.yaml", "{{- if .Values.prompt }}\nprompt: x\n{{- end }}", False),
        ("a.txt", "prompt: x", False),
    ],
)
def test_what_is_a_template(name: str, text: str, expected: bool) -> None:
    file = document(text.encode(), name)
    assert llm.probe(file) is expected
    if expected:
        found = list(llm.read(file))
        assert bodies(found) or bodies(found, CandidateKind.INSTRUCTIONS)


def test_what_is_no_template_is_reported() -> None:
    assert failures(read("prompts: [x]\n"))
    assert read("prompt: ''\n") == [Skipped("no text")]
    with pytest.raises(ImportSourceError, match="YAML"):
        read("prompt: 'x")
