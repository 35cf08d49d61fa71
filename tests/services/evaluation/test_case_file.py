"""Files of data: each form read alike, each mistake told where it is."""

import json

import pytest

from promptvault.errors import InvalidInputError
from promptvault.services.evaluation.case_file import load

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
    assert load(text, name) == ROWS


def test_a_line_may_hold_what_ends_lines_elsewhere() -> None:
    row = '{"text": "a\u2028b"}'
    assert load(f"{row}\n{row}", "x.jsonl") == [{"text": "a\u2028b"}] * 2


def test_times_in_yaml_stay_text() -> None:
    assert load("day: 2026-05-01", "x.yaml") == {"day": "2026-05-01"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.json", " \n", "it is empty"),
        ("x.yaml", "", "it is empty"),
        ("x.json", '{\n "a": 1,\n}', "line 3, column 1"),
        ("x.jsonl", '{"a": 1}\n\n{"a"}', "line 3, column 5"),
        ("x.yaml", "a: 1\nb: [", "line 3"),
        ("x.yaml", "a: 1\nb: {c: 1, c: 2}", r"the key 'c' stands twice .*line 2"),
        ("x.json", '{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice"),
        ("x.json", "[" * 100_000, "nested too deeply"),
        ("x.yaml", "[" * 1000, "too many aliases, nodes or levels"),
        ("x.json", f"[{'1' * 5000}]", "number in it is too long"),
        ("x.yaml", "- !!python/object/apply:os.getcwd []", "no valid YAML"),
    ],
)
def test_mistakes(name: str, text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        load(text, name)


def test_an_alias_and_a_merge_are_no_repeated_keys() -> None:
    text = "a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: *base\n"
    assert load(text, "x.yaml")["b"] == {"x": 3, "y": 2}
