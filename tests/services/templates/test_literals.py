"""Parts of a prompt that could be a variable, and parts that could not."""

import pytest

from promptvault.services.templates.literals import find_constants


def found(text: str) -> dict[str, str]:
    """Return the possible variables in *text*: name and value."""
    return {each.variable: each.text for each in find_constants(text, 8)}


@pytest.mark.parametrize(
    ("text", "constants"),
    [
        ("Write to [CLIENT NAME] today.", {"client_name": "[CLIENT NAME]"}),
        ("Write to [your manager] today.", {"manager": "[your manager]"}),
        ("Summarise <YOUR TEXT> in a line.", {"text_1": "<YOUR TEXT>"}),
        ("Explain {topic} to me.", {"topic": "{topic}"}),
        ("The key is YOUR_PROJECT_ID here.", {"project_id": "YOUR_PROJECT_ID"}),
        ("Send it to ada@example.org.", {"email": "ada@example.org"}),
        ("Read https://example.org/a?b=1.", {"url": "https://example.org/a?b=1"}),
        ("Look at ~/notes/todo.txt first.", {"path": "~/notes/todo.txt"}),
        ("Open C:\\work\\plan.md now.", {"path": "C:\\work\\plan.md"}),
        ("It is due on May 5, 2026.", {"date": "May 5, 2026"}),
        ("At most 200 words, please.", {"words": "200"}),
        ("Give 5 bullet points.", {"points": "5"}),
        ("Translate this into Dutch.", {"language": "Dutch"}),
        ("Write a Python function.", {"language": "Python"}),
        ('A slogan for the product "Blue Moon" please.', {"product": "Blue Moon"}),
        (
            "What does Acme Widgets sell, and who leads Acme Widgets?",
            {"name": "Acme Widgets"},
        ),
    ],
)
def test_what_could_be_a_variable(text: str, constants: dict[str, str]) -> None:
    assert found(text) == constants


@pytest.mark.parametrize(
    "text",
    [
        "Review this code for bugs, naming and tests, and list what you find.",
        "You are a senior engineer. Use Markdown. Do NOT guess. NEVER apologise.",
        "- [ ] one\n- [x] two\nSee [the docs](x.html), [1] and [note][2].",
        'Answer with JSON: {"name": "…", "age": 7} and <b>no</b> tags, and/or </TAG>.',
        "```python\nopen('/etc/app/config.yml')  # 200 words, ada@example.org\n```",
        "Run `curl https://example.org/x` and read the answer.",
        "Look:\n\n    x = '/etc/app/config.yml'\n\nand explain.",
        "Hello {{ name }}, {% if x %}https://example.org/{{ x }}{% endif %}",
        'If you are not sure, say "I do not know" and stop.',
        "Monday is fine. On Monday we meet, and Monday it is.",
        "",
    ],
)
def test_what_could_not(text: str) -> None:
    assert found(text) == {}


def test_every_place_of_a_constant_is_found() -> None:
    text = "Ask Ms [NAME]. Thank Ms [NAME]. `[NAME]` stays."
    (constant,) = find_constants(text, 8)
    assert [text[start:end] for start, end in constant.spans] == ["[NAME]", "[NAME]"]


def test_the_surest_come_first() -> None:
    text = "Write 3 lines in German to [NAME] at ada@example.org on 2026-05-01."
    assert [each.kind for each in find_constants(text, 3)] == [
        "placeholder",
        "email",
        "date",
    ]
    assert len(find_constants(text, 9)) == 5


def test_odd_texts_take_no_time() -> None:
    for text in (
        "[" * 50_000,
        "a@" * 50_000,
        "/a" * 50_000,
        "`" * 50_000,
        "{" * 50_000,
    ):
        assert isinstance(find_constants(text, 8), list)
