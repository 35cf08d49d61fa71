"""Nunjucks is a template of ours where Jinja says the same, and literal elsewhere."""

from collections.abc import Mapping

import pytest

from promptvault.importers.tools.nunjucks import wording
from tests.importers.filling import filled


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("Hi {{name}}!", {"name": "Ann"}, "Hi Ann!"),
        ("{{ user.name }} {% x", {"user_name": "Ann"}, "Ann {% x"),
        ("{{ name | upper | trim }}{# note #}", {"name": " a "}, "A"),
        ("{% if vip %}Now: {% endif %}{{ x }}", {"x": "a"}, "a"),
        ("{% if vip %}Now: {% endif %}{{ x }}", {"x": "a", "vip": "y"}, "Now: a"),
        (
            "{%- if not a -%} one {%- elif b %} two {% else %}three{% endif %}",
            {"a": "x", "b": "y"},
            " two ",
        ),
    ],
)
def test_filled_in(text: str, values: Mapping[str, str], expected: str) -> None:
    assert filled(wording(text).draft(), values) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no tags",
        "{% for m in messages %}{{ m }}{% endfor %}",
        "{{ a + b }}",
        "{{ name | mine }}",
        "{{ env.KEY }}{% if x %}{% endif %}",
        "{% if a %}{{ b }}",
        "{% endif %}{{ b }}{% if a %}",
        "{% else %}{{ b }}",
        "{% if a and b %}x{% endif %}",
        "{% if range %}x{% endif %}",
        "{{ '}}' }}",
    ],
)
def test_the_rest_stays_literal(text: str) -> None:
    assert wording(text) == (text, False, ())


def test_what_is_only_asked_for_may_be_missing() -> None:
    variables = wording("{% if a %}{{ b }}{% endif %}").variables
    assert [(v.name, v.required) for v in variables] == [("a", False), ("b", True)]
