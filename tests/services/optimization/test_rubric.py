"""The rubric, and the requests that use it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.services.asking.json_answer import find_mismatch
from promptvault.services.optimization.rubric import (
    CRITERIA,
    MOST_TOTAL,
    Score,
    delimit,
    rating_request,
    rubric_text,
    total_points,
)


def test_each_criterion_is_explained_at_nought_five_and_ten() -> None:
    assert list(CRITERIA) == [
        "clarity",
        "specificity",
        "structure",
        "context",
        "output_format",
        "variable_safety",
    ]
    text = rubric_text()
    for name, criterion in CRITERIA.items():
        assert f"{name}: {criterion.question}" in text
        for points, anchor in zip((0, 5, 10), criterion[1:], strict=True):
            assert f"{points}: {anchor}" in text


def test_the_total_is_the_sum() -> None:
    assert total_points(dict.fromkeys(CRITERIA, Score(10, ""))) == MOST_TOTAL == 60
    assert total_points({"clarity": Score(7.5, ""), "context": Score(3, "")}) == 10.5


@pytest.mark.parametrize("points", [-1, 11, 5.5, "5", None, True])
def test_only_whole_points_from_nought_to_ten_fit(points: object) -> None:
    schema = rating_request(["x"], "").schema
    assert schema is not None
    row = {name: {"points": 5, "reason": "So."} for name in CRITERIA}
    assert find_mismatch({"text_1": row}, schema.schema) is None
    wrong = row | {"clarity": {"points": points, "reason": "So."}}
    assert find_mismatch({"text_1": wrong}, schema.schema)
    missing = {key: row[key] for key in row if key != "context"}
    assert find_mismatch({"text_1": missing}, schema.schema)


def test_each_text_is_rated_once() -> None:
    schema = rating_request(["x", "y"], "").schema
    assert schema is not None
    row = {name: {"points": 5, "reason": "So."} for name in CRITERIA}
    both = {"text_1": row, "text_2": row}
    assert find_mismatch(both, schema.schema) is None
    assert find_mismatch({"text_1": row}, schema.schema)
    assert find_mismatch(both | {"text_3": row}, schema.schema)


def test_the_request_names_each_criterion_of_the_answer_once() -> None:
    schema = rating_request(["x", "y"], "").schema
    assert schema is not None
    for name in ("text_1", "text_2", *CRITERIA):
        assert schema.outline.count(f'"{name}"') == 1


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_no_text_can_hold_the_marks_around_it(texts: list[str]) -> None:
    shown = delimit(texts)
    mark = shown[1:13]
    assert shown.count(f"[{mark} ") == 2 * len(texts)
    assert delimit(texts) == shown


def test_the_same_texts_in_another_order_are_another_question() -> None:
    assert rating_request(["a", "b"], "") == rating_request(["a", "b"], "")
    assert rating_request(["a", "b"], "") != rating_request(["b", "a"], "")
    assert "louder" in rating_request(["a"], "louder").messages[1].content
