"""Front matter: what is written is read the same, the body byte for byte."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from promptvault import front_matter
from promptvault.domain.prompt import Author, Content, Origin, Prompt, Version
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import Variable, VariableType, variables_from_mapping
from promptvault.errors import InvalidInputError
from tests.domain.test_revision import LABELS
from tests.domain.test_variable import several

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
texts |= st.sampled_from(["yes", "null", "1", "0x1", "1e3", "~", "2026-05-01", "---"])
texts |= st.sampled_from(["a: b", "- a", "#x", "'", '"', "\\", "a #b", "x:", "a\x85b"])
bodies = st.text(st.characters(exclude_categories=["Cs"]))
bodies |= st.lists(st.sampled_from(["---", "\n", "\r\n", "a: b", " ", "\ufeff"])).map(
    "".join
)
times = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))
maybe = st.none() | texts
origins = st.lists(
    st.builds(Origin, texts, *[maybe] * 4, st.none() | times, maybe), max_size=3
)
contents = st.builds(Content, bodies, st.booleans(), several)


def prompt_of(content: Content, **fields: Any) -> tuple[Prompt, Version]:
    time = datetime(2026, 5, 1, tzinfo=UTC)
    version = Version("1f-2", 1, content, "", Author("a", "b"), time)
    plain = Prompt(
        *("1-2", "a/b", "", "", (), False, content.template, "local", 1, {}),
        created_at=time,
        updated_at=time,
    )
    return plain._replace(**fields), version


def expected(origin: Origin) -> dict[str, str]:
    """Return an origin as the header shows it: what is empty is left out."""
    created = to_text(origin.created_at) if origin.created_at else None
    fields = {
        "source": origin.source,
        "conversation": origin.conversation_id or None,
        "title": origin.conversation_title or None,
        "message": origin.message_id or None,
        "model": origin.model or None,
        "created": created,
        "url": origin.url or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


@given(
    contents,
    *[texts] * 2,
    st.lists(texts, max_size=3).map(tuple),
    st.booleans(),
    st.dictionaries(LABELS, st.integers(1, 99), max_size=3),
    origins,
)
def test_what_is_written_is_read_the_same(
    content: Content,
    title: str,
    about: str,
    tags: tuple[str, ...],
    favourite: bool,
    labels: dict[str, int],
    found: list[Origin],
) -> None:
    prompt, version = prompt_of(
        content,
        title=title,
        description=about,
        tags=tags,
        favourite=favourite,
        labels=labels,
    )
    document = front_matter.split(
        front_matter.header(prompt, version, found) + content.body
    )
    assert document
    fields = document.fields
    assert document.body == content.body
    assert fields.get("title", "") == title
    assert fields.get("description", "") == about
    assert fields.get("tags", []) == list(tags)
    assert fields.get("favourite", False) is favourite
    assert fields.get("template", False) is content.template
    assert variables_from_mapping(fields.get("variables", {})) == content.variables
    assert fields.get("labels", {}) == labels
    assert fields.get("origins", []) == [expected(origin) for origin in found]
    assert fields["source"] == "local"
    assert fields["created"] == fields["updated"] == "2026-05-01T00:00:00.000Z"
    assert (fields["id"], fields["version"], fields["revision"]) == ("1-2", 1, "1f-2")


@given(contents)
def test_what_an_editor_shows_declares_the_same(content: Content) -> None:
    document = front_matter.split(front_matter.declaration(content) + content.body)
    if content.template or content.variables:
        assert document
        declared = variables_from_mapping(document.fields.get("variables", {}))
        assert declared == content.variables
        assert document.body == content.body


@pytest.mark.parametrize("number", [1e16, 1e-7, -1.5e300, 0.1, -0.0])
def test_large_and_small_numbers_stay_numbers(number: float) -> None:
    """JSON writes 1e+16, which YAML 1.1 takes for a word."""
    variable = Variable("v", "", number, (), False, VariableType.NUMBER)
    content = Content("x", True, (variable,))
    document = front_matter.split(front_matter.declaration(content))
    assert document
    assert variables_from_mapping(document.fields["variables"]) == (variable,)


@pytest.mark.parametrize("character", ["\x85", "\x7f", "\u2028", "\ufeff", "\ufffe"])
def test_rare_characters_of_a_title_stay(character: str) -> None:
    """An import takes a conversation's title as it finds it."""
    prompt, version = prompt_of(Content("x"))
    found = Origin("chat", conversation_title=f"a{character}b é")
    document = front_matter.split(front_matter.header(prompt, version, [found]))
    assert document
    assert document.fields["origins"][0]["title"] == found.conversation_title


def test_a_prompt_found_very_often_can_still_be_read() -> None:
    prompt, version = prompt_of(Content("body"))
    found = [Origin("chat", f"c{number:0>36}", "t" * 60) for number in range(9_000)]
    document = front_matter.split(front_matter.header(prompt, version, found) + "body")
    assert document
    assert document.body == "body"


def test_a_deleted_prompt_keeps_its_name() -> None:
    time = datetime(2026, 5, 2, tzinfo=UTC)
    prompt, version = prompt_of(Content("x"), deleted_at=time)
    document = front_matter.split(front_matter.header(prompt, version, []) + "x")
    assert document
    assert document.fields["name"] == "a/b"
    assert document.fields["deleted"] == "2026-05-02T00:00:00.000Z"


def test_any_yaml_reader_understands_it() -> None:
    prompt, version = prompt_of(
        Content("x", True, (Variable("v", "é: 'x'"),)), title="on", tags=("a", "1")
    )
    text = front_matter.header(prompt, version, [Origin("chat", "c:1")])
    fields = yaml.safe_load(text.removeprefix("---\n").removesuffix("---\n"))
    assert fields["title"] == "on"
    assert fields["tags"] == ["a", "1"]
    assert fields["variables"] == {"v": {"description": "é: 'x'"}}


@given(bodies)
@example("---\n---\n")
@example("---\nno mapping\n---\n")
@example("---\na: b")
def test_any_text_is_split_refused_or_left_alone(text: str) -> None:
    try:
        document = front_matter.split(text)
    except InvalidInputError:
        return
    assert document is None or text.endswith(document.body)


@pytest.mark.parametrize("end", ["\n", "\r\n", "  \n"])
def test_the_body_starts_after_the_mark(end: str) -> None:
    document = front_matter.split(f"---{end}a: b{end}---{end}\n---\r\n x\n")
    assert document
    assert document.fields == {"a": "b"}
    assert document.body == "\n---\r\n x\n"


@pytest.mark.parametrize("block", ["a: [", "a: b: c", "\t- x", "!!python/object:x {}"])
def test_broken_yaml_is_a_plain_error(block: str) -> None:
    with pytest.raises(InvalidInputError, match="YAML"):
        front_matter.split(f"---\n{block}\n---\nx")


def test_aliases_are_refused() -> None:
    """Nine lines of them would fill the memory."""
    with pytest.raises(InvalidInputError, match="aliases"):
        front_matter.split("---\na: &x [1]\nb: [*x, *x]\n---\n")
    assert front_matter.split("---\na: 2 * 3\n---\n")
