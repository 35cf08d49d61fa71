"""Templates of other tools become ours, and render to the same text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptvault.domain.variable import Variable
from promptvault.importers.tools.template import (
    INPUT,
    Piece,
    Slot,
    TemplateText,
    is_variable_name,
    mustache_pieces,
    translate,
)
from tests.importers.filling import filled

# Everything that Jinja would interpret.
LITERALS = st.text("{}%#-\"'\\\r\n a", max_size=6) | st.text(max_size=4)
NAMES = st.sampled_from(
    "a b A self loop range not true None if class stdin a-b a.b 1st ﬀ é __x".split()
) | st.text(min_size=1, max_size=5)
PIECES = st.lists(LITERALS | NAMES.map(Slot) | st.just(INPUT), max_size=8)


@given(PIECES, st.text("{}%# x\n", max_size=5))
@example(["a{", Slot("a"), "{", INPUT], "x")
@example(["{#", Slot("a"), "{% b %}{# c #}{{{% d\r\n\r"], "")
@example(["{%", Slot("a"), "{# e\r\nf"], "")
@settings(max_examples=400, deadline=None)
def test_filled_in_it_is_the_text_of_the_source(
    pieces: list[Piece], stdin: str
) -> None:
    wording = translate(pieces)
    names = list(
        dict.fromkeys(piece.name for piece in pieces if isinstance(piece, Slot))
    )
    values = dict(zip(names, (v.name for v in wording.variables), strict=True))
    expected = "".join(
        piece
        if isinstance(piece, str)
        else f"<{piece.name}>"
        if isinstance(piece, Slot)
        else stdin
        for piece in pieces
    ).replace("\0", "\ufffd")
    given = {
        ours: f"<{theirs}>".replace("\0", "\ufffd") for theirs, ours in values.items()
    }
    assert filled(wording.draft(), given, stdin) == expected


@pytest.mark.parametrize("text", ["plain", "{{ a }}", "{% raw %}", "{# x #}", "a\r\nb"])
def test_text_without_variables_stays_as_it_is(text: str) -> None:
    assert translate([text]) == TemplateText(text)


def test_variables_are_declared_once_with_what_is_known() -> None:
    slots = [Slot("a b"), Slot("n", "1"), Slot("a b", "x", ("x", "y")), Slot("n", "2")]
    assert translate(slots) == TemplateText(
        "{{ a_b }}{{ n }}{{ a_b }}{{ n }}",
        True,
        (
            Variable("a_b", "a b", "x", ("x", "y"), required=False),
            Variable("n", default="1", required=False),
        ),
    )


def test_names_that_fit_alike_stay_apart() -> None:
    wording = translate([Slot("a-b"), Slot("a_b"), Slot("a b"), INPUT, Slot("stdin")])
    assert wording.body == "{{ a_b_2 }}{{ a_b }}{{ a_b_3 }}{{ stdin }}{{ stdin_ }}"


@given(st.text())
def test_fit_names_are_taken_by_the_vault(name: str) -> None:
    (variable,) = translate([Slot(name)]).variables
    assert is_variable_name(variable.name)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi {{name}}, {{ other.name }}!", ["name", "other.name"]),
        ("{{#if x}}{{/if}} {{> y}} {{{json}}", ["json"]),
        ('{"a": {{"b": 1}}}', []),
        ("{{ two words }} {{1}} {{}}", []),
    ],
)
def test_mustache_knows_names_only(text: str, names: list[str]) -> None:
    pieces = list(mustache_pieces(text))
    assert [piece.name for piece in pieces if isinstance(piece, Slot)] == names
