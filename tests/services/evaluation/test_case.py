"""Cases of `eval`: what a file may contain, and how each mistake is reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptvault.errors import InvalidInputError
from promptvault.services.evaluation.case import Suite, parse_data, parse_suite
from promptvault.services.evaluation.check import CHECKS, JUDGE, Check

ALL = {
    "contains": "a",
    "icontains": ["a", "b"],
    "not_contains": "a",
    "equals": "a",
    "regex": r"^\d+$",
    "not_regex": ["x"],
    "json": True,
    "json_schema": {"type": "object"},
    "judge": "It is kind.",
    "max_words": 5,
    "max_chars": 5,
    "max_tokens": 5,
    "max_seconds": 0.5,
}


def read(value: Any, folder: Path = Path()) -> Suite:
    """Read cases from a JSON file."""
    return parse_suite(json.dumps(value), "cases.json", folder)


def case(**fields: Any) -> dict[str, Any]:
    """Return a case that is valid except for *fields*."""
    return {"checks": {"contains": "a"}, **fields}


def test_every_check_can_be_read_and_made() -> None:
    (only,) = read([{"checks": ALL}]).cases
    assert {check.key for check in only.checks} == {*CHECKS, JUDGE}
    assert Check("contains", ("a",)) in only.checks
    assert only.criteria == ("It is kind.",)


def test_yaml_as_the_readme_shows_it() -> None:
    text = """
model: small-model
judge: large-model
cases:
  - name: for  children
    inputs: {audience: children, count: 3, loud: true, ratio: 0.5}
    stdin: Some text.
    checks:
      contains: Dear
      judge:
        - It is friendly.
        - It has no hard words.
  - checks: {max_words: 20}
"""
    suite = parse_suite(text, "cases.yaml", Path())
    first, second = suite.cases
    assert (suite.model, suite.judge) == ("small-model", "large-model")
    assert first.name == "for children"
    assert first.inputs == {
        "audience": "children",
        "count": "3",
        "loud": "true",
        "ratio": "0.5",
    }
    assert first.stdin == "Some text."
    assert (second.name, second.inputs, second.stdin) == ("case 2", {}, None)


def test_texts_and_schemas_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("print('ü')\n", encoding="utf-8")
    (tmp_path / "schema.json").write_text('{"type": "array"}')
    row = {
        "inputs": {"code": {"file": "code.py"}},
        "stdin": {"file": "code.py"},
        "checks": {"json_schema": {"file": "schema.json"}},
    }
    (only,) = read([row], tmp_path).cases
    assert only.inputs == {"code": "print('ü')\n"}
    assert only.stdin == "print('ü')\n"
    assert only.checks[0].expected == {"type": "array"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "no cases"),
        ({"cases": {}}, "a list of cases"),
        ({"model": "x"}, "a list of cases"),
        ("text", "a list of cases"),
        ({"cases": [case()], "tests": 1}, "no key 'tests'; known are: cases"),
        ({"cases": [case()], "model": 3}, "model: it must be text"),
        ([case(), 3], "case 2: it must map"),
        ([case(input={})], "case 1: there is no key 'input'"),
        ([case(name=" ")], "case 1: name: it must not be empty"),
        ([case(name="a"), case(), case(name="a")], "cases 1 and 3 .* name, 'a'"),
        ([case(), case(name="case 1")], "cases 1 and 2 .* same name"),
        ([case(inputs=["a"])], "case 1: inputs: it must map"),
        ([case(inputs={"a": ["b"]})], "case 1: inputs: a: it must be text"),
        ([case(inputs={"a": {"file": "gone"}})], "inputs: a: gone cannot be read"),
        ([case(stdin=3)], "case 1: stdin: it must be text"),
        ([{"name": "a"}], "case 1: checks: .*at least one"),
        ([case(checks={})], "case 1: checks: .*at least one"),
        ([case(checks={"contain": "a"})], "checks: there is no key 'contain'"),
        ([case(checks={"contains": 42})], "contains: it must be text"),
        ([case(checks={"contains": []})], "contains: it must be text or a list"),
        ([case(checks={"contains": ["a", ""]})], "contains: .*none of it empty"),
        ([case(checks={"equals": ["a"]})], "equals: it must be text"),
        ([case(checks={"regex": "("})], "regex: .* no regular expression: missing"),
        ([case(checks={"not_regex": ["a", "*"]})], "not_regex: .*nothing to repeat"),
        ([case(checks={"json": False})], "json: it can only be true"),
        ([case(checks={"json_schema": []})], "json_schema: it must be a JSON Schema"),
        ([case(checks={"json_schema": {"type": 1}})], r"no JSON Schema: at \$\.type"),
        ([case(checks={"json_schema": {"file": "x"}})], "x cannot be read"),
        ([case(checks={"max_words": 1.5})], "max_words: it must be a whole number"),
        ([case(checks={"max_words": True})], "max_words: it must be a number"),
        ([case(checks={"max_chars": 0})], "max_chars: it must be a number above 0"),
        ([case(checks={"max_seconds": "1"})], "max_seconds: it must be a number"),
        ([case(checks={"judge": ""})], "judge: it must be text or a list"),
        ([case(stdin="\ud800")], "stdin: it is no valid UTF-8"),
    ],
)
def test_a_mistake_names_file_case_and_key(value: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^cases.json: .*{words}"):
        read(value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"\xff\xd8")
    with pytest.raises(InvalidInputError, match="no UTF-8 text"):
        read([case(stdin={"file": "image"})], tmp_path)


def test_the_digest_is_of_the_cases_and_not_of_their_form() -> None:
    as_yaml = "cases:\n- {checks: {contains: [a]}, name: case 1}\nmodel: other\n"
    digest = read([case()]).digest
    assert parse_suite(as_yaml, "x.yaml", Path()).digest == digest
    assert read([case(checks={"contains": "b"})]).digest != digest
    assert read([case(inputs={"x": "y"})]).digest != digest


def test_the_digest_knows_what_stands_in_files(tmp_path: Path) -> None:
    digests = set()
    for text in ("a", "b"):
        (tmp_path / "x.txt").write_text(text)
        digests.add(read([case(stdin={"file": "x.txt"})], tmp_path).digest)
    assert len(digests) == 2


ROWS = [{"name": "a", "n": 1}, {"name": "ü", "list": [True, None]}]
LINES = "\n".join(json.dumps(row) for row in ROWS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", json.dumps(ROWS)),
        ("x.jsonl", f"{LINES}\n\n"),
        ("x.NDJSON", LINES),
        ("x.yaml", "- {name: a, n: 1}\n- name: ü\n  list: [true, null]\n"),
        ("x.yml", json.dumps(ROWS)),
        ("stdin", json.dumps(ROWS)),
        ("stdin", LINES),
        ("stdin", "- {name: a, n: 1}\n- {name: ü, list: [true, ~]}\n"),
        ("x.json", f"\ufeff{json.dumps(ROWS, indent=2)}"),
    ],
)
def test_each_form_holds_the_same(name: str, text: str) -> None:
    assert parse_data(text, name) == ROWS


def test_a_line_may_hold_what_ends_lines_elsewhere() -> None:
    row = '{"text": "a\u2028b"}'
    assert parse_data(f"{row}\n{row}", "x.jsonl") == [{"text": "a\u2028b"}] * 2


def test_times_in_yaml_stay_text() -> None:
    assert parse_data("day: 2026-05-01", "x.yaml") == {"day": "2026-05-01"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.json", " \n", "it is empty"),
        ("x.yaml", "", "it is empty"),
        ("x.json", '{\n "a": 1,\n}', "line 3, column 1"),
        ("x.jsonl", '{"a": 1}\n\n{"a"}', "line 3, column 5"),
        ("x.yaml", "a: 1\nb: [", "line 3"),
        ("x.yaml", "a: 1\nb: {c: 1, c: 2}", r"the key 'c' appears twice .*line 2"),
        ("x.json", '{"a": {"b": 1, "b": 2}}', "the key 'b' appears twice"),
        ("x.json", "[" * 100_000, "nested too deeply"),
        ("x.yaml", "[" * 1000, "too many aliases, nodes or levels"),
        ("x.json", f"[{'1' * 5000}]", "number in it is too long"),
        ("x.yaml", "- !!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_mistakes(name: str, text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parse_data(text, name)


def test_an_alias_and_a_merge_are_no_repeated_keys() -> None:
    text = "a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: *base\n"
    assert parse_data(text, "x.yaml")["b"] == {"x": 3, "y": 2}
