"""One template from several prompts, which renders to each of them."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from promptvault.domain.prompt import Content, Prompt, Version
from promptvault.errors import InvalidInputError
from promptvault.services.templates.check import fill_template, find_fault
from promptvault.services.templates.from_prompts import (
    MOST_SLOTS,
    Generalized,
    Source,
    generalize_by_rule,
)
from tests.conftest import AUTHOR, NOON

SPECIAL = [
    "{{ x }}",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{% raw %}",
    "{% endraw %}",
    "{",
]
LITERAL = st.lists(
    st.sampled_from(
        [
            *SPECIAL,
            "Write",
            " a ",
            "mail",
            "\n",
            "\r\n",
            "\r",
            " ",
            "\t",
            ".",
            "'",
            "日本",
        ]
    ),
    max_size=8,
).map("".join)
VALUE = st.sampled_from(
    ["", "x", "a b", "two\nlines", "{{ y }}", "{", "}", "é", "日"]
) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def source(text: str, name: str = "p", **more: Any) -> Source:
    """Return a prompt with this *text*."""
    prompt = Prompt(
        name, name, "", "", (), False, False, "local", 1, {}, NOON, NOON
    )._replace(**more)
    return Source(name, prompt, Version(name, 1, Content(text), "", AUTHOR, NOON))


def made_of(*texts: str) -> Generalized:
    """Return the template that the rule makes of *texts*."""
    return generalize_by_rule([source(text, f"p{n}") for n, text in enumerate(texts)])


def renders_back(made: Generalized, *texts: str) -> bool:
    """Return True if the template renders to every text, byte for byte."""
    content = made.draft.content
    return [
        fill_template(content, filling.values) for filling in made.fillings
    ] == list(texts)


@st.composite
def families(draw: st.DrawFn) -> list[str]:
    """Draw texts that are one template with different values in its slots."""
    slots = draw(st.integers(1, 4))
    literals = [draw(LITERAL) for _ in range(slots + 1)]
    count = draw(st.integers(2, 5))
    texts = []
    for _ in range(count):
        values = [draw(VALUE) for _ in range(slots)]
        inner = "".join(
            value + text for value, text in zip(values, literals[1:], strict=True)
        )
        texts.append(f"Please do as follows, and nothing else: {literals[0]}{inner}")
    return texts


@given(families())
def test_every_source_comes_back(texts: list[str]) -> None:
    try:
        made = made_of(*texts)
    except InvalidInputError:
        assume(False)
    assert renders_back(made, *texts)
    assert len(made.draft.content.variables) <= MOST_SLOTS


def test_variables_are_named_after_what_stands_beside_them() -> None:
    texts = (
        "Translate into French in a formal tone. Topic: snow. Use 5 words. a@a.org.",
        "Translate into Thai in a merry tone. Topic: hot tea. Use 9 words. b@b.org.",
    )
    made = made_of(*texts)
    assert renders_back(made, *texts)
    names = [variable.name for variable in made.draft.content.variables]
    assert names == ["language", "tone", "topic", "words", "email"]
    assert made.draft.content.variables[2].description == "For example: snow, hot tea"
    assert made.fillings[1].values["topic"] == "hot tea"


def test_the_same_values_are_one_variable() -> None:
    texts = [
        f"Say it in {x}. Only {x} counts, and no other: {x}." for x in ("Thai", "Urdu")
    ]
    made = made_of(*texts)
    assert [variable.name for variable in made.draft.content.variables] == ["language"]
    assert made.draft.content.body.count("{{ language }}") == 3


def test_what_is_missing_in_one_may_be_left_out() -> None:
    texts = (
        "Write a very short poem about the sea.",
        "Write a short poem about the sea.",
    )
    made = made_of(*texts)
    assert renders_back(made, *texts)
    assert [variable.required for variable in made.draft.content.variables] == [False]


def test_other_values_can_be_given() -> None:
    made = made_of("Write a poem about snow today.", "Write a poem about rain today.")
    assert (
        fill_template(made.draft.content, {"topic": "fog"})
        == "Write a poem about fog today."
    )


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("The same text.", "The same text."), "the same text"),
        (
            ("Bake a cake for nine.", "Who won the match in Rome yesterday?"),
            "too different",
        ),
        (
            (
                " ".join(f"shared{n} words here a{n}" for n in range(12)),
                " ".join(f"shared{n} words here b{n}" for n in range(12)),
            ),
            "12 places",
        ),
    ],
)
def test_what_is_no_family_is_refused(texts: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason) as caught:
        made_of(*texts)
    assert not any(text in str(caught.value) for text in texts)


def test_one_prompt_has_its_constants_as_defaults() -> None:
    text = (
        "Write {{ to }} [CLIENT NAME] by 2026-05-01, in 200 words. Thank [CLIENT NAME]."
    )
    made = made_of(text)
    assert renders_back(made, text)
    assert fill_template(made.draft.content, {}) == text
    defaults = {each.name: each.default for each in made.draft.content.variables}
    assert defaults == {
        "client_name": "[CLIENT NAME]",
        "date": "2026-05-01",
        "words": "200",
    }
    with pytest.raises(InvalidInputError, match="No constants"):
        made_of("Write something nice about the weather.")


def test_what_is_proposed_is_a_good_template() -> None:
    made = made_of("Write {% a %} mail to Bo.", "Write {% a %} mail to Al.")
    assert find_fault(made.draft.content) is None


def test_tags_that_all_share_are_kept() -> None:
    one = source("Write a poem about snow.", "a", tags=("work", "poem"))
    other = source("Write a poem about rain.", "b", tags=("poem", "home"))
    assert generalize_by_rule([one, other]).draft.tags == ("poem",)
