"""Templates: what is filled in, what stays, and what is refused."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.services.prompts.render import Inputs, render, used_variables

Others = Mapping[str, str | Content]


def template(body: str, variables: object = None) -> Content:
    return Content(body, True, variables_from_mapping(variables or {}))


def fill(
    content: Content | str,
    values: Mapping[str, str] | None = None,
    others: Others | None = None,
    stdin: str | None = None,
) -> str:
    """Render a template among *others*; one given as a text is a literal prompt."""

    def load(name: str) -> Content:
        if name not in (others or {}):
            raise NotFoundError(f"There is no prompt {name!r}.")
        other = (others or {})[name]
        return other if isinstance(other, Content) else Content(other)

    content = content if isinstance(content, Content) else template(content)
    return render("main", content, Inputs(values or {}, lambda: stdin), load)


def refusal(
    content: Content | str,
    values: Mapping[str, str] | None = None,
    others: Others | None = None,
) -> str:
    """Return the message of the error of rendering."""
    with pytest.raises(InvalidInputError) as caught:
        fill(content, values, others)
    return str(caught.value)


def test_values_are_filled_in_as_they_are() -> None:
    values = {"a": "{{ b }} <&> \n", "b": "2"}
    assert fill("{{ a }}{{ b }}", values) == "{{ b }} <&> \n2"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r{")))
def test_a_text_without_braces_is_its_own_rendering(text: str) -> None:
    assert fill(text) == text


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n"])
def test_the_end_of_the_text_stays(end: str) -> None:
    assert fill(f"{{{{ a }}}}{end}", {"a": "1"}) == f"1{end}"


def test_line_ends_stay_what_they_are() -> None:
    assert fill("a\r\n{{ b }}\r\nc", {"b": "x\ny"}) == "a\r\nx\ny\r\nc"
    assert fill("a\n{{ b }}\n", {"b": "x\r\ny"}) == "a\nx\r\ny\n"


def test_everything_that_is_missing_is_told_at_once() -> None:
    text = "{{ a }}{% if b %}x{% endif %}{% for c in d %}{% endfor %}{{ e | upper }}"
    message = refusal(template(text, {"a": {"description": "the first"}}))
    assert "a (the first), b, d, e" in message
    assert "-p a=… -p b=… -p d=… -p e=…" in message


@pytest.mark.parametrize(
    "text",
    [
        "{{ v + 1 }}",
        "{{ 1 - v }}",
        "{{ v ~ 'x' }}",
        "{{ v.x }}",
        "{{ v['x'] }}",
        "{{ v() }}",
        "{% if v > 1 %}{% endif %}",
        "{% if v == 1 %}{% endif %}",
        "{% if 'x' in v %}{% endif %}",
        "{{ v | length }}",
        "{{ v | join(',') }}",
        "{{ v | int }}",
        "{{ '%s' | format(v) }}",
        "{% set w = v %}{{ w }}",
        "{{ {'k': 1}[v] }}",
        "{{ -v }}",
        "{{ [v] | sum }}",
    ],
)
def test_a_missing_variable_is_told_by_name(text: str) -> None:
    assert "lacks a value for: v" in refusal(text)


def test_a_variable_may_be_absent_where_the_template_says_so() -> None:
    assert fill("{{ a | default('x') }}{{ b is defined }}") == "xFalse"
    assert fill("{% if c is not defined %}no{% endif %}") == "no"


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("x", "x"),
        (3, "3"),
        (True, "True"),
        ({"default": "x"}, "x"),
        ({"default": ""}, ""),
        ({"default": 0, "type": "integer"}, "0"),
        ({"required": False}, ""),
        (date(2026, 5, 1), "2026-05-01"),
    ],
)
def test_defaults(declared: object, text: str) -> None:
    assert fill(template("{{ v }}", {"v": declared})) == text
    assert fill(template("{{ v }}", {"v": declared}), {"v": "1"}) in {"1", "True"}


def test_a_required_variable_without_default_is_missing() -> None:
    assert "lacks" in refusal(template("{{ v }}", {"v": {"type": "integer"}}))
    # Values of parts that are not rendered are not needed.
    assert fill(template("{% if false %}{{ v }}{% endif %}", {"v": None})) == ""


def test_values_have_the_declared_type() -> None:
    kinds = {kind[0]: {"type": kind} for kind in ("integer", "number", "boolean")}
    text = "{{ i + 1 }} {{ n / 2 }} {{ 'yes' if b else 'no' }}"
    assert fill(template(text, kinds), {"i": "2", "n": "3", "b": "no"}) == "3 1.5 no"


@pytest.mark.parametrize(
    ("kind", "default", "text"),
    [("integer", "2", "3"), ("number", "1.5", "2.5"), ("number", 1, "2")],
)
def test_a_default_has_the_declared_type_too(
    kind: str, default: object, text: str
) -> None:
    declared = {"v": {"type": kind, "default": default}}
    assert fill(template("{{ v + 1 }}", declared)) == text


def test_a_false_default_in_quotes_is_false() -> None:
    declared = {"v": {"type": "boolean", "default": "no"}}
    assert fill(template("{{ 'yes' if v else 'no' }}", declared)) == "no"


@pytest.mark.parametrize(
    ("declared", "given_", "message"),
    [
        ({"type": "integer"}, "x", "'v' must be of type integer"),
        ({"choices": ["a", "b"]}, "c", "'v' must be one of: a, b"),
        ({"type": "number", "choices": [1, 2]}, "3", "'v' must be one of: 1, 2"),
    ],
)
def test_wrong_values_are_refused(declared: object, given_: str, message: str) -> None:
    assert message in refusal(template("{{ v }}", {"v": declared}), {"v": given_})


def test_an_unknown_variable_is_refused_and_the_known_told() -> None:
    text = template("{{ zoo }}{{ b }}", {"declared": None})
    message = refusal(text, {"a": "1"})
    assert "no variable 'a'; it has declared, b, zoo" in message
    assert "it has none" in refusal("plain", {"a": "1"})


def test_a_variable_of_an_include_is_known() -> None:
    others = {"part": template("Hello {{ who }}")}
    assert fill("{% include 'part' %}!", {"who": "you"}, others) == "Hello you!"
    assert "lacks a value for: who" in refusal("{% include 'part' %}", {}, others)


def test_a_declaration_of_an_include_counts_and_the_outer_one_more() -> None:
    others = {"part": template("{{ a }}{{ b }}", {"a": "inner", "b": "inner"})}
    outer = template("{% include 'part' %}", {"a": "outer"})
    assert fill(outer, {}, others) == "outerinner"


@pytest.mark.parametrize(
    "body", ["{{ x }} {% if %}", "no end {#", "\n\n{{", "", "a\n", "{% raw %}"]
)
def test_an_included_literal_stays_byte_for_byte(body: str) -> None:
    assert fill("<{% include 'part' %}>", {}, {"part": body}) == f"<{body}>"


@pytest.mark.parametrize("body", ["a\r\nb\r\n", "a\nb\n", "a\rb"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_included_literal_keeps_its_line_ends(body: str, end: str) -> None:
    assert fill(f"x{end}{{% include 'part' %}}", {}, {"part": body}) == f"x{end}{body}"


def test_a_template_may_inherit_and_import() -> None:
    others = {
        "base": template("<{% block b %}{% endblock %}>"),
        "macros": template("{% macro m(x) %}[{{ x }}]{% endmacro %}"),
    }
    child = "{% extends 'base' %}{% block b %}{{ a }}{% endblock %}"
    assert fill(child, {"a": "1"}, others) == "<1>"
    assert fill("{% import 'macros' as m %}{{ m.m(1) }}", {}, others) == "[1]"


def test_an_include_may_name_a_version() -> None:
    assert fill("{% include 'part@2' %}", {}, {"part@2": "second"}) == "second"


def test_an_include_that_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="absent"):
        fill("{% include 'absent' %}")
    with pytest.raises(NotFoundError, match="absent"):
        fill("{% include name %}", {"name": "absent"})


def test_an_include_that_may_be_absent() -> None:
    """Reserved words of Jinja2, which a vault's templates may use as any other."""
    assert fill("a{% include 'absent' ignore missing %}b") == "ab"
    assert fill("{% include ['absent', 'part'] %}", {}, {"part": "x"}) == "x"


@pytest.mark.parametrize(
    ("main", "others"),
    [
        ("{% include 'main' %}", {}),
        ("{% include 'a' %}", {"a": template("{% include 'main' %}")}),
        (
            "{% include 'a' %}",
            {"a": template("{% include 'b' %}"), "b": template("{% include 'a' %}")},
        ),
        ("{% extends 'a' %}", {"a": template("{% extends 'main' %}")}),
        ("{% set n = 'ma' ~ 'in' %}{% include n %}", {}),
        ("{% include v %}", {"a": template("{% include v %}")}),
    ],
)
def test_circles_are_refused(main: str, others: Others) -> None:
    values = {"v": "a"} if " v " in main else {}
    message = refusal(main, values, others)
    assert "cycle" in message
    assert "→" in message


def test_the_same_include_twice_is_no_circle() -> None:
    others: Others = {
        "a": template("{% include 'c' %}"),
        "b": template("{% include 'c' %}"),
        "c": "x",
    }
    text = "{% include 'a' %}{% include 'b' %}{% include 'c' %}{% include 'c' %}"
    assert fill(text, {}, others) == "xxxx"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('id') }}",
        "{{ self._TemplateReference__context.eval_ctx }}",
        "{{ [].append(1) }}",
        "{{ '%s' | attr('__class__') }}",
        "{{ ''['__class__'] }}",
        "{{ lipsum.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ ('{0.__class__.__base__}').format(1) }}",
    ],
)
def test_a_template_cannot_get_out_of_its_sandbox(text: str) -> None:
    try:
        rendered = fill(text, {"x": "1"} if "x." in text else {})
    except InvalidInputError:
        return
    assert not any(word in rendered for word in ("class", "object", "module", "uid="))


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ [][3].x }}",
        "{{ 'x' | nofilter }}",
        "{% if %}",
        "{{",
        "{% for %}",
        "{% endif %}",
        "{{ range(10 ** 9) | list }}",
        "{{ 'x'.y }}",
        "{{ '(' * 500 }}{{ " + "(" * 500 + ")" * 500 + " }}",
        "{% include 3 %}",
        "{% include none %}",
    ],
)
def test_what_goes_wrong_in_a_template_is_one_plain_line(text: str) -> None:
    message = refusal(text)
    assert "main" in message
    assert len(message.splitlines()) == 1
    assert "0x" not in message


def test_a_mistake_is_told_with_its_line() -> None:
    assert "main, line 3" in refusal("a\nb\n{% if %}")


def test_what_is_piped_in_is_a_variable() -> None:
    assert fill("<{{ stdin }}>", {}, {}, "in\r\nput\n") == "<in\r\nput\n>"
    assert fill("{{ stdin }}", {"stdin": "given"}, {}, "piped") == "given"
    assert "Pipe the text in" in refusal("{{ stdin }}")


def test_what_is_piped_in_stays_unread_where_nobody_asks() -> None:
    def unread() -> str:
        raise AssertionError

    inputs = Inputs({}, unread)
    assert render("main", template("x"), inputs, lambda name: Content(name)) == "x"


def test_an_include_may_use_what_is_piped_in() -> None:
    others = {"part": template("{{ stdin }}")}
    assert fill("{% include 'part' %}", {}, others, "piped") == "piped"


def test_used_variables_are_those_of_the_includes_too() -> None:
    def load(name: str) -> Content:
        return template("{{ b }}{% set c = 1 %}{{ c }}{{ range(2) }}")

    content = template("{{ a }}{% include 'x' %}")
    assert used_variables("main", content, load) == {"a", "b"}
    assert used_variables("main", template("{% if %}"), load) == set()
