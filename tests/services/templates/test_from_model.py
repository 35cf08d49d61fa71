"""A model's answer is used only if it is a complete, valid template."""

from typing import Any

import pytest

from promptvault.domain.prompt import Content
from promptvault.domain.variable import Variable, VariableType
from promptvault.errors import InvalidInputError, PermissionDeniedError
from promptvault.services.templates.check import find_fault, parse_draft
from promptvault.services.templates.from_model import (
    request_from_description,
    request_from_prompts,
)
from tests.services.templates.test_from_prompts import source


def variable(name: str, **more: Any) -> dict[str, Any]:
    """Return a variable as a model declares it."""
    plain: dict[str, Any] = {"description": "", "default": None, "choices": []}
    return {"name": name, **plain, "required": True, "type": "string"} | more


def answer(body: str, *variables: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a template as a model answers."""
    return {
        "title": "Reply to a complaint",
        "description": "Answers a complaint kindly.",
        "tags": ["mail"],
        "body": body,
        "variables": list(variables),
    } | more


def test_an_answer_becomes_a_template() -> None:
    draft = parse_draft(
        answer(
            "Reply to {{ name }} in {{ words }} words, {{ tone }}.\n",
            variable("name", description="Whose\ncomplaint"),
            variable("words", type="integer", default="80"),
            variable("tone", choices=["kind", "firm"]),
            title="Reply\nto " + "many words " * 20,
            tags=["Customer Care", "mail", "mail", "!!", ""],
        )
    )
    assert draft.content.variables == (
        Variable("name", "Whose complaint"),
        Variable("words", "", 80, (), False, VariableType.INTEGER),
        Variable("tone", "", None, ("kind", "firm")),
    )
    assert draft.tags == ("customer-care", "mail")
    assert len(draft.title) <= 80
    assert "\n" not in draft.title
    assert find_fault(draft.content) is None


@pytest.mark.parametrize(
    "wrong",
    [
        answer("{{ x }}", variable("x"), variable("x")),
        answer("{{ a_b }}", variable("a-b")),
        answer("{{ stdin }}", variable("stdin")),
        answer("{{ loop }}", variable("loop")),
        answer("{{ x }}", variable("x", type="integer", default="many")),
        answer("{{ x }}", variable("x", default="c", choices=["a", "b"])),
        answer("  \n"),
        answer("a\0b"),
        answer("\ud800"),
    ],
)
def test_what_cannot_be_declared_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        parse_draft(wrong)


@pytest.mark.parametrize(
    ("body", "names", "fault"),
    [
        ("Hello {{ name }}.", ["name"], None),
        ("Sum up: {{ stdin }}", [], None),
        ("{% for x in items.split(',') %}{{ x }}{% endfor %}", ["items"], None),
        ("{% raw %}{{ kept }}{% endraw %} {{ name }}", ["name"], None),
        ("Hello {{ name }}.", [], "not declared: name"),
        ("Hello.", ["name"], "not used in the body: name"),
        ("Hello {{ name", ["name"], "no valid Jinja2"),
        ("Hello {{ name | shout }}", ["name"], "no valid Jinja2"),
        ("{% include 'other' %} {{ name }}", ["name"], "include"),
        ("{% if name %}{% endif %}", ["name"], "renders to nothing"),
        ("{{ name / 0 }}", ["name"], "fails"),
        ("{{ ''.__class__ }} {{ name }}", ["name"], ""),
        ("{{ name.nothing }}", ["name"], ""),
        (
            "{{ name }}: -----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1\n",
            ["name"],
            "likely secret",
        ),
    ],
)
def test_what_is_wrong_with_a_template(
    body: str, names: list[str], fault: str | None
) -> None:
    content = Content(body, True, tuple(map(Variable, names)))
    found = find_fault(content)
    if fault is None:
        assert found is None
    else:
        assert found is not None
        assert fault in found


def test_a_description_says_something_and_no_secret() -> None:
    for text in ("", " \n", "mail"):
        with pytest.raises(InvalidInputError):
            request_from_description(text)
    key = "-----BEGIN RSA PRIVATE KEY-----"
    with pytest.raises(PermissionDeniedError):
        request_from_description(f"log in with {key}")
    allowed = request_from_description(f"log in with {key}", allow_secrets=True)
    assert key in allowed.messages[-1].content


def test_secrets_are_not_sent_and_what_is_unlike_is_not_paid_for() -> None:
    key = "Use -----BEGIN RSA PRIVATE KEY-----"
    held = source(key, secrets=("Private Key",))
    with pytest.raises(PermissionDeniedError):
        request_from_prompts([held, source(f"{key} b", "b")])
    with pytest.raises(InvalidInputError, match="too different"):
        request_from_prompts([source("Bake a cake."), source("Who won in Rome?", "b")])
    request = request_from_prompts(
        [source("Write to Bo."), source("Write to Al.", "b")]
    )
    assert request == request_from_prompts(
        [source("Write to Bo."), source("Write to Al.", "b")]
    )
    assert "Write to Bo." in request.messages[-1].content
