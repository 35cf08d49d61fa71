"""JSON Schemas of a user: invalid ones are refused early, and none is downloaded."""

from pathlib import Path
from typing import Any

import pytest

from promptvault.errors import InvalidInputError
from promptvault.services.asking.json_schema import find_mismatch, validate_schema

PERSON = {
    "type": "object",
    "properties": {"age": {"$ref": "#/$defs/age"}},
    "required": ["age"],
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}


def test_a_value_that_fits() -> None:
    validate_schema(PERSON)
    assert find_mismatch({"age": 3}, PERSON) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [({}, "'required' ['age'] at $"), ({"age": -1}, "'minimum' 0 at $.age")],
)
def test_a_mismatch_names_the_rule_and_the_place(value: Any, words: str) -> None:
    assert words in str(find_mismatch(value, PERSON))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "strin"}, r"\$\.type"),
        ({"pattern": "("}, r"\$\.pattern"),
        ({"$ref": "#/$defs/gone"}, "refers to #/\\$defs/gone"),
        ({"anyOf": [{"$ref": "other.json"}]}, "refers to other.json"),
    ],
)
def test_a_broken_schema(schema: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        validate_schema(schema)


def test_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "number.json").write_text('{"type": "number"}')
    schema = {"$ref": (tmp_path / "number.json").as_uri()}
    with pytest.raises(InvalidInputError, match="which is not in it"):
        validate_schema(schema)
    assert "cannot be held against the schema" in str(find_mismatch("text", schema))


def test_an_older_draft_is_read_by_its_own_rules() -> None:
    draft_4 = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "maximum": 5,
        "exclusiveMaximum": True,
    }
    validate_schema(draft_4)
    assert find_mismatch(5, draft_4)
    assert find_mismatch(4, draft_4) is None


def test_a_schema_without_end_is_no_crash() -> None:
    assert "deeply" in str(find_mismatch({}, {"$ref": "#"}))
