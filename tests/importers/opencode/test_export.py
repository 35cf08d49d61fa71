"""Exported sessions, long ones and Kilo's."""

import json

import pytest

from promptvault.importers.opencode import export, kilo, source
from tests.importers.build import bodies, candidates, document, failures, of_json
from tests.importers.opencode.build import example_export, user


def test_an_export_is_read_message_by_message() -> None:
    items = list(source.read(document(example_export())))
    assert bodies(items) == ["one é", "two", "three"]
    assert {each.conversation_id for each in candidates(items)} == {"ses_1"}
    compact = of_json(json.loads(example_export()))
    assert bodies(source.read(compact)) == ["one é", "two", "three"]


def test_a_session_with_a_long_header_is_read() -> None:
    value = json.loads(example_export())
    value["info"]["summary"] = {"diffs": ["x" * 99_000]}
    assert source.probe(of_json(value))
    items = list(source.read(of_json(value)))
    assert bodies(items) == ["one é", "two", "three"]
    assert candidates(items)[0].conversation_id == "ses_1"


def test_a_cut_export_yields_what_is_whole() -> None:
    data = example_export()
    items = list(source.read(document(data[: data.index(b'"three"')])))
    assert bodies(items) == ["one é", "two"]
    assert len(failures(items)) == 1


@pytest.mark.parametrize(
    ("name", "version", "is_kilos"),
    [
        ("a.json", "1.18.3", False),
        ("a.json", "7.8.1", True),
        ("kilo/a.json", "1.0.2", True),
        ("a.json", "local", False),
    ],
)
def test_kilo_is_told_by_place_or_version(
    name: str, version: str, is_kilos: bool
) -> None:
    exported = document(example_export(version), name)
    assert kilo.probe(exported) is is_kilos
    assert source.probe(exported) is not is_kilos


def test_other_conversations_are_not_claimed() -> None:
    info, parts = user("hello")
    row = {"info": info, "parts": parts}
    assert not export.is_export(of_json({"info": {"id": "1"}, "messages": [row]}))
    assert not export.is_export(of_json({"info": {"id": "ses_1"}, "title": "a"}))
