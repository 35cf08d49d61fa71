"""Patterns of Fabric are imported under their folder's name, with a place for input."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.importers.input.candidate import Candidate, Item
from promptvault.importers.tools import fabric
from tests.importers.build import bodies, candidates, document, imported
from tests.importers.filling import filled

SUMMARY = """# IDENTITY and PURPOSE

You sum up {{ text }} and {{plugin:datetime:now}}.

# INPUT:

INPUT:
"""


def read(body: str, name: str = "sum_up/system.md") -> list[Candidate]:
    return candidates(list(fabric.read(document(body.encode(), name))))


def test_pattern_takes_its_input_at_the_end() -> None:
    (found,) = read(SUMMARY)
    draft = found.drafts[0]
    assert (found.name, found.title, draft.message_id) == ("sum_up", "sum up", "sum_up")
    assert draft.template
    assert draft.variables == ()
    assert filled(draft, stdin="a {{ b }}") == SUMMARY + "a {{ b }}"


@pytest.mark.parametrize(
    "end", ["# INPUT", "INPUT:", "# INPUT\n\nINPUT: ", "**INPUT:**"]
)
def test_ends_that_wait_for_input(end: str) -> None:
    (found,) = read(f"Sum up.\n\n{end}")
    assert filled(found.drafts[0], stdin="x") == f"Sum up.\n\n{end}\nx"


def test_input_that_has_its_place_is_not_added_again() -> None:
    (found,) = read("Sum up {{input}}.\n\nINPUT:\n")
    assert filled(found.drafts[0], stdin="x") == "Sum up x.\n\nINPUT:\n"


def test_pattern_without_place_for_input_is_literal() -> None:
    (found,) = read("Write {{ text }}.")
    assert found.drafts[0].body == "Write {{ text }}."
    assert not found.drafts[0].template


@given(st.text(st.sampled_from("{}ax: %#\n"), max_size=30))
@settings(deadline=None)
def test_filled_in_as_fabric_does(text: str) -> None:
    """Names are replaced if nothing surrounds them."""
    body = f"Do {{{{lang}}}} to {{{{input}}}} {text}"
    draft = read(body)[0].drafts[0]
    values = {v.name: v.name.upper() for v in draft.variables}
    expected = body.replace("{{input}}", "IN")
    for variable in draft.variables:
        expected = expected.replace(f"{{{{{variable.name}}}}}", values[variable.name])
    assert filled(draft, values, "IN") == expected


def test_folder_of_patterns(tmp_path: Path) -> None:
    files = {
        "patterns/sum_up/system.md": SUMMARY,
        "patterns/sum_up/user.md": " \n",
        "patterns/sum_up/README.md": "# How to use it\n",
        "patterns/plain/system.md": "Say hello.",
        "patterns/plain/user.md": "CONTENT:\n",
    }
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body)
    items: list[Item] = imported(tmp_path)
    names = {c.name: c.drafts[0].body for c in candidates(items)}
    assert {"sum_up", "plain", "plain-user"} <= names.keys()
    assert "sum_up-user" not in names
    assert names["plain"] == "Say hello."


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("system.md", SUMMARY, True),
        ("copied.md", SUMMARY, True),
        ("system.md", "# System\n\nThe system boots.", False),
        ("docs/system.md", "You are.", False),
        ("a.md", "---\nname: x\n---\n" + SUMMARY, False),
        ("a.txt", SUMMARY, False),
    ],
)
def test_single_files(name: str, body: str, expected: bool) -> None:
    assert fabric.probe(document(body.encode(), name)) is expected


def test_windows_line_ends_are_made_one() -> None:
    assert bodies(fabric.read(document(b"a\r\nb", "x/system.md"))) == ["a\nb"]
