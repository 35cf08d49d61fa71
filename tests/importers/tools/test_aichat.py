"""Roles of aichat, new and old, are imported under their names."""

from pathlib import Path

import pytest

from promptvault.domain.variable import Variable
from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Candidate, Draft, Skipped
from promptvault.importers.tools import aichat
from tests.importers.build import bodies, candidates, document, failures, imported
from tests.importers.filling import filled

ROLE = b"""---
model: openai:gpt-4o
temperature: 0
---

convert __ARG1__ to {{ x }} on {{__os__}}: __INPUT__
"""
ROLES = b"""
- name: emoji
  prompt: convert __INPUT__ to emoji
  temperature: 0.5
- name: convert:json:toml
  model: ollama:mistral
  prompt: >
    convert __ARG1__ to
    __ARG2__
- name: emoji
  prompt: again
- name: '%shell%'
  prompt: Give commands.
- name: grammar
- 7
"""


def test_role_is_a_template_with_its_arguments() -> None:
    (found,) = aichat.read(document(ROLE, "roles/convert.md"))
    draft = Draft(
        'convert {{ arg1 }} to {{ "{{" }} x }} on {{ os }}: {{ stdin }}',
        message_id="convert",
        model="openai:gpt-4o",
        template=True,
        variables=(Variable("arg1"), Variable("os", "Operating system")),
    )
    assert found == Candidate((draft,), title="convert", name="convert")
    text = filled(draft, {"arg1": "a", "os": "linux"}, "in")
    assert text == "convert a to {{ x }} on linux: in"


def test_list_of_roles() -> None:
    items = list(aichat.read(document(ROLES, "roles.yaml")))
    assert [(c.name, c.drafts[0].message_id) for c in candidates(items)] == [
        ("emoji", "emoji"),
        ("convert", "convert:json:toml"),
        ("emoji", None),
    ]
    assert candidates(items)[1].drafts[0].body == "convert {{ arg1 }} to {{ arg2 }}"
    assert candidates(items)[1].drafts[0].model == "ollama:mistral"
    assert Skipped("role that comes with aichat") in items
    assert Skipped("no text") in items
    (bad,) = failures(items)
    assert bad.where == "roles.yaml, role 6"


def test_folder_of_roles(tmp_path: Path) -> None:
    for name, text in (
        ("a.md", "Be kind."),
        ("%code%.md", "Code."),
        ("b.md", "---\nt"),
    ):
        (tmp_path / "roles").mkdir(exist_ok=True)
        (tmp_path / "roles" / name).write_text(text)
    assert bodies(imported(tmp_path))[0] == "Be kind."
    assert "Code." not in bodies(imported(tmp_path))


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.md", b"---\ntemperature: 0\n---\nx", True),
        ("a.md", b"---\r\nmodel: openai:gpt-4o\r\n---\r\nx", True),
        ("a.md", b"---\nmodel: opus\n---\nx", False),
        ("roles/a.md", b"---\nmodel: opus\n---\nx", True),
        ("a.md", b"---\nmodel: a:b\ndescription: x\n---\nx", False),
        ("roles/a.md", b"---\ntitle: x\n---\nx", False),
        ("roles/README.md", b"About.", False),
        ("roles/a.md", b"Be kind.", True),
        ("a.md", b"Be kind.", False),
        ("roles.yaml", b"- name: a\n  prompt: b\n", True),
        ("roles.yaml", b"- name: a\n  hosts: b\n", False),
        ("x.yaml", b"- name: a\n- 7\n", False),
        ("x.yaml", b"name: a\nprompt: b\n", False),
    ],
)
def test_what_is_a_role(name: str, data: bytes, expected: bool) -> None:
    assert aichat.probe(document(data, name)) is expected


def test_front_matter_without_end_is_reported() -> None:
    (item,) = aichat.read(document(b"---\ntemperature: 0\nx", "a.md"))
    assert failures([item])


def test_broken_list_is_reported() -> None:
    with pytest.raises(ImportSourceError, match="YAML"):
        list(aichat.read(document(b"- name: 'a\n", "roles.yaml")))
