"""Templates changed on two devices: the merge can be rendered, or is a conflict."""

import pytest

from promptvault.services.prompts.edit import change_details
from promptvault.services.prompts.prompt_document import DetailChanges
from promptvault.services.prompts.template_syntax import is_valid_template
from tests.sync.laptop import Laptop
from tests.sync.test_hardship import sync_all
from tests.sync.test_outliving import in_conflict

LINES = ["first", "2", "3", "4", "5", "6", "last"]


def text(first: str, last: str) -> str:
    """Return a text whose start and end can be changed independently."""
    return "\n".join([first, *LINES[1:-1], last]) + "\n"


def add_template(laptop: Laptop, body: str) -> None:
    """Save a template called "a"."""
    laptop.add("a", body)
    change_details(laptop.workspace, "a", DetailChanges(), template=True)


def test_two_templates_that_make_a_broken_one_are_in_conflict(
    one: Laptop, two: Laptop
) -> None:
    before = text("{% if a %}{{ a }}{% endif %}", "last")
    add_template(one, before)
    sync_all(one, two)
    # Each version is valid; the merge would have a block with two names.
    one.edit("a", text("{% block b %}one{% endblock %}", "last"))
    two.edit("a", text("{% if a %}{{ a }}{% endif %}", "{% block b %}2{% endblock %}"))
    one.sync()
    assert two.sync().counts.conflicts == 1
    sync_all(one, two)
    for device in (one, two):
        assert device.body("a") == text("{% block b %}one{% endblock %}", "last")
        assert in_conflict(device)["a"].endswith("{% block b %}2{% endblock %}\n")
        assert is_valid_template(device.body("a"))


def test_templates_whose_changes_fit_together_are_merged(
    one: Laptop, two: Laptop
) -> None:
    add_template(one, text("{{ a }}", "last"))
    sync_all(one, two)
    one.edit("a", text("{{ a }}{{ b }}", "last"))
    two.edit("a", text("{{ a }}", "{{ c }}"))
    sync_all(one, two, one)
    assert one.body("a") == two.body("a") == text("{{ a }}{{ b }}", "{{ c }}")


@pytest.mark.parametrize(
    ("body", "readable"),
    [
        ("plain { text }", True),
        ("{{ a }}{% include 'not-there' %}", True),
        ("{% if a %}", False),
        ("{{ a", False),
        ("{{ a | no_such_filter }}", False),
        ("{% block a %}{% endblock %}{% block a %}{% endblock %}", False),
    ],
)
def test_what_can_be_read_as_a_template(body: str, readable: bool) -> None:
    assert is_valid_template(body) is readable
