"""The guard: what a rewritten prompt may change, and what it may not."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.prompt import Content
from promptvault.errors import InvalidInputError
from promptvault.services.optimization.guard import (
    ALWAYS_FITS,
    find_losses,
    find_refusals,
    fixed_parts,
    match_edges,
    require_valid_template,
)

REVIEW = """\
Review {{ code }} in {{ language | default("any language") }}.
{% if tone %}Be {{ tone }}.{% else %}Be kind.{% endif %}
{% for rule in rules %}- Keep to {{ rule }}.
{% endfor %}{% include "coding/footer" %}
{% raw %}Write {{ name }} as it is.{% endraw %}
```json
{"verdict": "good"}
```
Signed, [YOUR NAME]
"""


def template(body: str) -> Content:
    """Return a template."""
    return Content(body, template=True)


def changed(old: str, new: str, body: str = REVIEW) -> tuple[str, ...]:
    """Return the guard's refusals of *new* as a rewrite of *old*."""
    assert old in body
    return find_losses(template(body), body.replace(old, new))


RAW = "{% raw %}Write {{ name }} as it is.{% endraw %}"
LOOP = "- Keep to {{ rule }}.\n{% endfor %}"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("{{ code }}", "the code", "drops the variable code"),
        ("{{ code }}", "{{ source }}", "adds the variable source"),
        ("{{ code }}", "{{ Code }}", "drops the variable code"),
        ("{{ code }}", "{{ code | upper }}", "drops {{ code }}"),
        ("{{ code }}", "{{ code.text }}", "drops {{ code }}"),
        ("{{ code }}", "{{ code }} for {{ reader }}", "adds the variable reader"),
        ("{{ code }}", "{# {{ code }} #}", "drops the variable code"),
        ("{{ code }}", "{% raw %}{{ code }}{% endraw %}", "drops the variable code"),
        ("{{ code }}", "{{ '{{ code }}' }}", "drops the variable code"),
        ("{{ code }}", "{ { code } }", "drops the variable code"),
        ("{{ code }}", "{% set code = 1 %}{{ code }}", "drops the variable code"),
        (' | default("any language")', "", "drops {{ language | default(…) }}"),
        ("any language", "English", "drops {{ language | default(…) }}"),
        ("{{ tone }}", "polite", "drops {{ tone }}"),
        ("{{ rule }}", "the rule", "drops {{ rule }}"),
        ("[YOUR NAME]", "me", "drops the placeholder [YOUR NAME]"),
        ("[YOUR NAME]", "[YOUR NAME], [DATE]", "adds the placeholder [DATE]"),
        ("Signed", "Signed {{ 'by' }}", "adds {{ 'by' }}"),
    ],
)
def test_a_dropped_renamed_or_new_variable_is_refused(
    old: str, new: str, reason: str
) -> None:
    assert reason in changed(old, new)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("{{ code }}", "{% if code %}the {{ code }}{% endif %}", "moves {{ code }} "),
        ("Be {{ tone }}.", "Be so.{{ code }}", "copies {{ code }} "),
        ("Be {{ tone }}.{% else %}", "Be.{% else %}{{ tone }}", "moves {{ tone }} "),
        ("Be {{ tone }}", "Be so", "drops {{ tone }}"),
        (LOOP, "- Keep to it.{% endfor %}{{ rule }}", "adds the variable rule"),
        (RAW, f"{{% if tone %}}{RAW}{{% endif %}}", "moves a literal block "),
    ],
)
def test_a_variable_that_moves_into_or_out_of_a_block_is_refused(
    old: str, new: str, reason: str
) -> None:
    assert any(each.startswith(reason) for each in changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Be kind.", "", "drops all words in {% if tone %}"),
        ("{% else %}Be kind.", "", "drops all words in {% if tone %}"),
        ("{% if tone %}", "{% if not tone %}", "drops {% if tone %}"),
        ("{% if tone %}", "{% if tone is defined %}", "drops {% if tone %}"),
        ("{% else %}Be", "{% elif code %}A{% else %}Be", "drops {% if tone %}"),
        ("for rule in rules", "for rule in rules[:3]", "drops {% for rule in rules %}"),
        ("for rule in rules", "for rule in norms", "drops the variable rules"),
        ('{% include "coding/footer" %}', "", "drops {% include 'coding/footer' %}"),
        ("coding/footer", "coding/foot", "drops {% include 'coding/footer' %}"),
        ('footer"', 'footer" ignore missing', "drops {% include 'coding/footer' %}"),
        ('footer"', 'footer" without context', "drops {% include 'coding/footer' %}"),
        ("Write {{ name }}", "Write {{name}}", "drops or changes a literal block"),
        (RAW, "Write {{ name }} as it is.", "adds the variable name"),
        ('"good"', '"bad"', "drops or changes a code block"),
        ("```json", "```", "drops or changes a code block"),
        ("Signed", "{% include 'other' %}", "adds {% include 'other' %}"),
        ("Signed", "{% if code %}Signed{% endif %}", "adds {% if code %}"),
    ],
)
def test_a_changed_condition_loop_include_or_literal_block_is_refused(
    old: str, new: str, reason: str
) -> None:
    assert reason in changed(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Signed", "Signed {{"),
        ("Signed", "Signed {% for"),
        ("Signed", "Signed {#"),
        ("Signed", "Signed {{ code | nonsense }}"),
        ("Signed", "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"),
        ("Signed", "{{ 1" + "+1" * 5000 + " }}"),
        ("Signed", "{{ 1" + "0" * 5000 + " }}"),
        ("{% raw %}", ""),
        ("{% endif %}", ""),
    ],
)
def test_what_cannot_be_filled_in_is_refused(old: str, new: str) -> None:
    assert changed(old, new) == ("is no template that can be filled in",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Review {{ code }} in", "You are a reviewer.\n\n{{ code }}\n\nIt is in"),
        ("{{ code }}", "{{- code -}}"),
        ("{{ code }}", "{{code}} and once more {{ code }}"),
        ("{{ code }}", "{{ (code) }}"),
        ('"any language"', "'any language'"),
        ("Signed", "Think it over, and again. {# A remark #}\nSigned"),
        ("Signed", "{% raw %}{{ new }}{% endraw %} Signed"),
        ("Signed", "~~~\nan example\n~~~\nSigned"),
        ("Be {{ tone }}.{% else %}", "  Always stay {{ tone }}!{%- else -%}"),
        ("- Keep to", "1. Never leave"),
        ('{% include "coding/footer" %}', "End:\n{%- include 'coding/footer' +%}"),
        ("Review", "検査 😀 Review"),
    ],
)
def test_rewording_around_what_must_stay_is_fine(old: str, new: str) -> None:
    assert changed(old, new) == ()


def test_an_item_may_move_within_the_block_it_is_in() -> None:
    assert changed("{% include", "{{ code }}{% include") == ()
    start, end = "Review {{ code }} in", "Signed, [YOUR NAME]\n"
    moved = REVIEW.replace(start, "Review it in") + "The code: {{ code }}\n"
    assert find_losses(template(REVIEW), moved) == ()
    assert find_losses(template(REVIEW), end + REVIEW.replace(end, "")) == ()


@pytest.mark.parametrize(
    ("body", "rewritten"),
    [
        ("{% set a = 1 %}{{ a }} apples", "{{ a }} apples {% set a = 1 %}"),
        ("{{ a }} x {% set a = 1 %}{{ a }}", "x {% set a = 1 %}{{ a }} {{ a }}"),
        (
            "{% macro m(x) %}a {{ x }}{% endmacro %}{{ m(1) }}",
            "{{ m(1) }}{% macro m(x) %}a {{ x }}{% endmacro %}",
        ),
        (
            "{% from 'tools' import m %}{{ m(1) }} x",
            "{{ m(1) }} x {% from 'tools' import m %}",
        ),
        (
            "{% set n = namespace(i=0) %}{% for x in xs %}a{% set n.i = 1 %}"
            "{% endfor %}{{ n.i }}",
            "{% set n = namespace(i=0) %}{{ n.i }}{% for x in xs %}a{% set n.i = 1 %}"
            "{% endfor %}",
        ),
        (
            "{% if c %}{% set a = 1 %}x{% endif %}{{ a }}",
            "{{ a }}{% if c %}{% set a = 1 %}x{% endif %}",
        ),
        (
            "{% extends 'base' %}{% block b %}x {{ y }}{% endblock %}",
            "{% block b %}x {{ y }}{% endblock %}{% extends 'base' %}",
        ),
        (
            "{% for a in as %}x {% for b in bs %}y {{ loop.index }}{% endfor %}"
            "{% endfor %}",
            "{% for a in as %}x {{ loop.index }}{% for b in bs %}y {% endfor %}"
            "{% endfor %}",
        ),
        (
            "{% if a %}x{% elif b %}y{% elif c %}z{% endif %}",
            "{% if a %}x{% elif c %}z{% elif b %}y{% endif %}",
        ),
        (
            "{% with a = x %}w {{ a }}{% endwith %}",
            "{% with a = x %}w {% endwith %}{{ a }}",
        ),
        (
            "{% call(x) m(1) %}w {{ x }}{% endcall %}",
            "{% call(y) m(1) %}w {{ y }}{% endcall %}",
        ),
        ("{% filter upper %}a {{ x }}{% endfilter %}", "a {{ x }}"),
        ("{% include 'i' %}{% set a = b %}", "{% set a = b %}{% include 'i' %}"),
        (
            "{% macro m() %}{{ a }}{% endmacro %}{{ m() }}{% set a = 1 %}",
            "{% macro m() %}{{ a }}{% endmacro %}{% set a = 1 %}{{ m() }}",
        ),
        ("{% include a ~ 'b' %} x", "{% include a ~ 'c' %} x"),
        (
            "{% set a %}some {{ x }}{% endset %}{{ a }}",
            "{% set a %}{% endset %}{{ a }}",
        ),
    ],
)
def test_what_a_name_means_stays(body: str, rewritten: str) -> None:
    assert find_losses(template(body), body) == ()
    assert find_losses(template(body), rewritten)


def test_a_name_outside_a_loop_has_nothing_to_do_with_one_inside() -> None:
    loop = "{% for x in xs %}a {% set y = x %}{{ y }}{% endfor %}\n"
    assert find_losses(template(loop + "And {{ y }}."), "And {{ y }}.\n" + loop) == ()
    assignment = "{% set x = 1 %}So {{ x }}.\n"
    assert find_losses(template(assignment + loop), loop + assignment) == ()


def test_each_time_that_something_is_there_counts() -> None:
    raw = "{% raw %}a{% endraw %}"
    for part in (
        "{{ x }}",
        "{% include 'x' %}",
        raw,
        "[NAME]",
        "{% if x %}a{% endif %}",
    ):
        assert find_losses(template(f"{part} and {part}"), f"{part} and so on")
    assert find_losses(template(f"{raw} and {raw}"), f"{raw} and {{{{ literal_0 }}}}")


@pytest.mark.parametrize(
    ("gap", "other"),
    [
        ("{{ topic }}", "{{ subject }}"),
        ("{{{ topic }}}", "{{ topic }}"),
        ("{{#if topic}}", "{{#if subject}}"),
        ("{topic}", "{subject}"),
        ("{your topic}", "a topic"),
        ("${topic}", "${subject}"),
        ("$ARGUMENTS", "the arguments"),
        ("<<topic>>", "<<subject>>"),
        ("[TOPIC]", "[SUBJECT]"),
        ("[FULL NAME, 2 WORDS]", "a name"),
        ("[ÜBERSCHRIFT]", "Überschrift"),
        ("[insert topic here]", "the topic"),
        ("[Your name]", "your name"),
        ("{% if topic %}", "if there is a topic"),
    ],
)
def test_gaps_that_people_fill_stay(gap: str, other: str) -> None:
    before = Content(f"Write about {gap} in a few words.")
    assert f"drops the placeholder {gap}" in find_losses(
        before, f"Write about {other}."
    )
    assert (
        find_losses(before, f"Be brief. The text is about {gap}, and {gap} alone.")
        == ()
    )
    assert find_losses(Content("Write."), f"Write about {gap}.") == (
        f"adds the placeholder {gap}",
    )


@pytest.mark.parametrize(
    "text",
    [
        '{ "a": 1 }',
        '{"a": {"b": []}}',
        "{{'a': 1}}",
        "if (x) { return; }",
        "[1]",
        "[x]",
        "[X] done",
        "[A link](http://example.org)",
        "[see there]",
        "xs[MAX]",
        r"\frac{a}{b}",
        "1 << 2 >> x",
        "$5 and $10",
        '["A", "B"]',
        "{}",
        "[日本語]",
    ],
)
def test_code_and_json_are_no_gaps(text: str) -> None:
    assert find_losses(Content(f"Explain: {text}."), "Explain nothing.") == ()


def test_code_blocks_stay_whatever_stands_in_them() -> None:
    block = "````md\n```py\nx\n```\n````"
    before = Content(f"Say:\n{block}\nand\n  ~~~ \n{{a}}\n  ~~~\n")
    assert find_losses(before, f"Say this:\n\n  ~~~\n{{a}}\n  ~~~\n\n{block}") == ()
    assert find_losses(before, before.body.replace("\nx\n", "\ny\n"))
    assert find_losses(before, before.body.replace("````md", "```md"))
    open_fence = Content("Say:\n```\nfor ever")
    assert find_losses(open_fence, "Say it:\n```\nfor once") == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty, or no text"),
        (" \n\t", "is empty, or no text"),
        ("Nul \0", "is empty, or no text"),
        ("Half a pair \ud800", "is empty, or no text"),
        ("Say h\ufffdllo!", "holds control or broken characters"),
        ("Say \x1b[2Jhello", "holds control or broken characters"),
        ("Say hello.", "is the same text"),
        ("  Say hello.\n", "is the same text"),
        ("Hello! " * ALWAYS_FITS, "is more than 4 times as long"),
        (f"Say hello to ghp_{'a1B2' * 9}.", "holds what looks like a secret"),
    ],
)
def test_no_text_the_same_a_huge_one_and_a_secret_are_refused(
    text: str, reason: str
) -> None:
    assert find_refusals(Content("Say hello."), text) == (reason,)


def test_a_short_prompt_may_grow_and_a_secret_that_was_there_is_no_reason() -> None:
    key = f"ghp_{'a1B2' * 9}"
    assert find_refusals(Content("Hi."), "Hello! " * 500) == ()
    assert find_refusals(Content(f"Use {key}."), f"Please use {key}.") == ()


def test_a_template_that_cannot_be_read_is_not_guarded() -> None:
    with pytest.raises(InvalidInputError, match="lint"):
        require_valid_template("broken", template("{{ a "))
    with pytest.raises(InvalidInputError):
        find_refusals(template("{{ a "), "{{ a }}")


def test_a_text_gets_the_edges_and_line_ends_of_the_old_one() -> None:
    assert match_edges(Content("\n a\r\nb\r\n"), "x\ny") == "\n x\r\ny\r\n"
    assert match_edges(Content("a"), "x \ud800 \U0001f600") == "x \ufffd \U0001f600"
    assert match_edges(Content("a"), "\r\nx\r\ny\n\n") == "x\ny"


def test_what_must_stay_is_listed_as_it_is_written() -> None:
    assert fixed_parts(template(REVIEW)) == (
        "{{ code }}",
        '{{ language | default("any language") }}',
        "{% if tone %}",
        "{{ tone }}",
        "{% else %}",
        "{% endif %}",
        "{% for rule in rules %}",
        "{{ rule }}",
        "{% endfor %}",
        '{% include "coding/footer" %}',
        RAW,
        "[YOUR NAME]",
    )
    assert fixed_parts(Content("{x} and [NAME] and {x}")) == ("{x}", "[NAME]")


class Sentence(NamedTuple):
    """A line of a generated template, and the part that must stay."""

    text: str
    core: str
    """Without it, something is lost."""
    renamed: str
    """What a careless model makes of the core."""


_WORD = st.text("abc äß。😀,.!?#*-", max_size=12)


@st.composite
def sentences(draw: st.DrawFn) -> list[Sentence]:
    """Return lines whose names are all different, so that each counts."""
    count = draw(st.integers(1, 6))
    return [draw(_sentence(number)) for number in range(count)]


@st.composite
def _sentence(draw: st.DrawFn, number: int) -> Sentence:
    name, other = f"v{number}", f"w{number}"
    trim, words = draw(st.sampled_from(["", "-"])), draw(_WORD)
    cores = [
        (f"{{{{{trim} {name} {trim}}}}}", f"{{{{ {other} }}}}"),
        (f"{{{{ {name}.a | default('b') }}}}", f"{{{{ {name}.a }}}}"),
        (f"{{% include '{name}' %}}", f"{{% include '{other}' %}}"),
        (f"{{% raw %}}{{{{ {name} }}}}{{% endraw %}}", f"{{{{ {name} }}}}"),
        (f"\n```\n{name}\n```\n", f"\n```\n{other}\n```\n"),
        (f"[GAP {number}]", f"[GAP {number}{number}]"),
        (
            f"{{% if {name} %}}so {{{{ {name} }}}}{{% endif %}}",
            f"{{% if {other} %}}so {{{{ {name} }}}}{{% endif %}}",
        ),
        (
            f"{{% for x in {name} %}}a {{% for y in x %}}{{{{ y }}}}{{% endfor %}}"
            "{% endfor %}",
            f"{{% for x in {name} %}}a {{% for y in {name} %}}{{{{ y }}}}{{% endfor %}}"
            "{% endfor %}",
        ),
    ]
    core, renamed = draw(st.sampled_from(cores))
    return Sentence(f"{words} w {core} {words}\n", core, renamed)


def joined(lines: Sequence[Sentence]) -> str:
    """Return the lines as one text."""
    return "".join(line.text for line in lines)


@given(sentences())
def test_the_text_itself_loses_nothing(lines: list[Sentence]) -> None:
    assert find_losses(template(joined(lines)), joined(lines)) == ()


@given(st.data())
def test_whole_sentences_may_change_places(data: st.DataObject) -> None:
    lines = data.draw(sentences())
    moved = data.draw(st.permutations(lines))
    assert find_losses(template(joined(lines)), joined(moved)) == ()


@given(st.data())
def test_a_sentence_may_be_said_twice(data: st.DataObject) -> None:
    lines = data.draw(sentences())
    again = data.draw(st.sampled_from(lines))
    assert find_losses(template(joined(lines)), joined([*lines, again])) == ()


@given(st.data())
def test_whatever_is_dropped_or_renamed_is_noticed(data: st.DataObject) -> None:
    lines = data.draw(sentences())
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    for instead in ("", line.renamed):
        damaged = line._replace(text=line.text.replace(line.core, instead))
        text = joined([*lines[:number], damaged, *lines[number + 1 :]])
        assert find_losses(template(joined(lines)), text)
