"""Rewrites that the guard accepts use all values of the original.

Templates are generated at random and damaged at random, as by a careless model. Those
that the guard accepts are rendered with the same values as before.
"""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.domain.prompt import Content
from promptvault.errors import NotFoundError, PromptVaultError
from promptvault.services.optimization.guard import find_losses
from promptvault.services.prompts.render import Inputs, render, used_variables

VARIABLES = ("a", "b", "c")
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|[^{]+|\{", re.DOTALL)

_names = st.sampled_from([*VARIABLES, "x", "y", "n.v"])
_words = st.sampled_from(["say ", "and so. ", "then\n"])
_values = st.one_of(
    _names,
    _names.map("{} | default('none')".format),
    _names.map("{} ~ '!'".format),
    _names.map("q({})".format),
)


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return templates with others in them."""
    name, body = st.sampled_from(VARIABLES), st.lists(inner, max_size=3).map("".join)
    templates = (
        "{{% if {0} %}}{1}{{% endif %}}",
        "{{% if {0} %}}{1}{{% else %}}{2}{{% endif %}}",
        "{{% for x in [{0}, 1] %}}{1}{{% endfor %}}",
        "{{% with x = {0} %}}{1}{{% endwith %}}",
        "{{% macro q(x) %}}{1}{{% endmacro %}}{{{{ q({0}) }}}}",
        "{{% set y %}}{1}{{% endset %}}",
        "{{% filter upper %}}{1}{{% endfilter %}}",
    )
    return st.one_of([st.builds(t.format, name, body, body) for t in templates])


_leaves = st.one_of(
    _words,
    st.builds("{}{{{{ {} }}}}".format, _words, _values),
    st.builds("{{% set {} = {} %}}".format, st.sampled_from("xya"), _values),
    _names.map("{{% set n = namespace(v={}) %}}".format),
    _names.map("{{% set n.v = {} %}}".format),
    st.just("{% include 'other' %}"),
    st.just("{% raw %}{{ a }}{% endraw %}"),
)
_templates = st.lists(st.recursive(_leaves, _wrapped, max_leaves=6), max_size=4).map(
    "".join
)


@st.composite
def _damaged(draw: st.DrawFn, body: str) -> str:
    """Return *body* with pieces removed, repeated or moved."""
    pieces = _TAG.findall(body)
    for _ in range(draw(st.integers(1, 2))):
        if not pieces:
            break
        start = draw(st.integers(0, len(pieces) - 1))
        taken = pieces[start : start + draw(st.integers(1, 4))]
        if draw(st.booleans()):
            del pieces[start : start + len(taken)]
        if draw(st.booleans()):
            place = draw(st.integers(0, len(pieces)))
            pieces[place:place] = taken
    return "".join(pieces)


def _load(reference: str) -> Content:
    if reference == "other":
        return Content("the other one: {{ a }} ", template=True)
    raise NotFoundError(reference)


def _filled(body: str, values: dict[str, str]) -> str | None:
    """Return the output of `get`, None if it fails."""
    content, inputs = Content(body, template=True), Inputs(values, lambda: None)
    try:
        return render("it", content, inputs, _load)
    except PromptVaultError:
        return None


@settings(max_examples=300)
@given(st.data())
def test_what_gets_past_the_guard_is_filled_in_as_before(data: st.DataObject) -> None:
    body = data.draw(_templates)
    rewritten = data.draw(_damaged(body))
    content = Content(body, template=True)
    if find_losses(content, rewritten):
        return
    used = used_variables("it", content, _load)
    given_values = data.draw(
        st.fixed_dictionaries({}, optional={v: st.just(f"<{v}>") for v in sorted(used)})
    )
    before, after = _filled(body, given_values), _filled(rewritten, given_values)
    assert (before is None) == (after is None)
    for value in given_values.values():
        for shown in (value, value.upper()):
            assert shown not in (before or "") or shown in (after or "")
