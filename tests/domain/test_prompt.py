"""Valid bodies, tags and lines; errors for invalid ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.prompt import validate_body, validate_line, validate_tag
from promptvault.errors import InvalidInputError


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_but_white_space_is_a_body_as_it_is(text: str) -> None:
    if text.strip():
        assert validate_body(text) == text


@pytest.mark.parametrize("text", ["", " \n\t", "a\0b", "a\ud800"])
def test_what_is_no_body(text: str) -> None:
    with pytest.raises(InvalidInputError):
        validate_body(text)


@given(st.text())
def test_a_tag_is_its_own_tag(text: str) -> None:
    try:
        tag = validate_tag(text)
    except InvalidInputError:
        return
    assert validate_tag(tag) == tag
    assert tag
    assert not set(tag) & set(" ,\n\t\0")


@pytest.mark.parametrize("text", ["", " ", "a b", "a,b", "a\nb", "x" * 65, "\0"])
def test_what_is_no_tag(text: str) -> None:
    with pytest.raises(InvalidInputError):
        validate_tag(text)


@given(st.text())
def test_a_line_is_its_own_line(text: str) -> None:
    try:
        line = validate_line(text, "title")
    except InvalidInputError:
        return
    assert validate_line(line, "title") == line
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize("text", ["a\0", "\x1b[31m", "x" * 1001, "\ud800"])
def test_what_is_no_line(text: str) -> None:
    with pytest.raises(InvalidInputError):
        validate_line(text, "title")


def test_white_space_in_a_line_is_one_space() -> None:
    assert validate_line("  two\n lines\t", "title") == "two lines"
