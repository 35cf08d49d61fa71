"""Variables: declared, written down, declared again; values are checked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.variable import (
    Value,
    Variable,
    VariableType,
    variables_from_mapping,
    variables_to_mapping,
)
from promptvault.errors import InvalidInputError

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,9}", fullmatch=True)
VALUES: dict[VariableType, st.SearchStrategy[Value]] = {
    VariableType.STRING: st.text(),
    VariableType.INTEGER: st.integers(),
    VariableType.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    VariableType.BOOLEAN: st.booleans(),
}


@st.composite
def variables(draw: st.DrawFn) -> Variable:
    kind = draw(st.sampled_from(VariableType))
    choices: tuple[Value, ...] = tuple(draw(st.lists(VALUES[kind], max_size=3)))
    if choices:
        default = draw(st.none() | st.sampled_from(choices))
    else:
        default = draw(st.none() | VALUES[kind])
    about, required = draw(st.text()), draw(st.booleans())
    return Variable(draw(NAMES), about, default, choices, required, kind)


several = st.lists(variables(), max_size=4, unique_by=lambda v: v.name).map(tuple)


@given(several)
def test_what_is_declared_is_written_and_read_the_same(
    declared: tuple[Variable, ...],
) -> None:
    plain = json.loads(json.dumps(variables_to_mapping(declared)))
    assert variables_from_mapping(plain) == declared


@given(variables())
def test_every_choice_can_be_given(variable: Variable) -> None:
    for choice in variable.choices:
        assert variable.convert(str(choice)) == choice


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " x ", " x "),
        ("integer", "-3", -3),
        ("number", "1.5", 1.5),
        ("boolean", "Yes", True),
        ("boolean", "false", False),
        ("boolean", "0", False),
    ],
)
def test_values_get_the_declared_type(kind: str, text: str, value: Value) -> None:
    converted = Variable("v", type=VariableType(kind)).convert(text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("integer", "1.5"), ("integer", ""), ("number", "x"), ("boolean", "maybe")],
)
def test_values_of_another_type_are_refused(kind: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match="'v' must be of type"):
        Variable("v", type=VariableType(kind)).convert(text)


def test_no_choice_is_refused_and_the_choices_told() -> None:
    with pytest.raises(InvalidInputError, match="a, b"):
        Variable("v", choices=("a", "b")).convert("c")


@pytest.mark.parametrize(
    ("declared", "variable"),
    [
        (None, Variable("v")),
        ("x", Variable("v", default="x", required=False)),
        (3, Variable("v", default=3, required=False)),
        ({}, Variable("v")),
        ({"default": "x"}, Variable("v", default="x", required=False)),
        ({"required": False}, Variable("v", required=False)),
        ({"description": None}, Variable("v")),
    ],
)
def test_short_declarations(declared: object, variable: Variable) -> None:
    assert variables_from_mapping({"v": declared}) == (variable,)


def test_choices_that_yaml_reads_as_numbers_can_be_given_without_a_type() -> None:
    """``choices: [1, 2]`` declares no type, and must still work."""
    (variable,) = variables_from_mapping({"v": {"choices": [1, 2], "default": 1}})
    assert str(variable.convert("1")) == "1"


@pytest.mark.parametrize(
    "declared",
    [
        [],
        "x",
        {"no name": None},
        {"v": []},
        {"v": {"choices": "ab"}},
        {"v": {"choices": [[]]}},
        {"v": {"type": "list"}},
        {"v": {"type": []}},
        {"v": {"required": "yes"}},
        {"v": {"defualt": 1}},
        {"v": {"default": "x", "type": "integer"}},
        {"v": {"default": "c", "choices": ["a", "b"]}},
        {1: None},
    ],
)
def test_broken_declarations_are_refused(declared: object) -> None:
    with pytest.raises(InvalidInputError):
        variables_from_mapping(declared)
