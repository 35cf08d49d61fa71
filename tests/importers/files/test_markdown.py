"""Markdown and text: one prompt in a file, unless it is a list of prompts."""

from pathlib import Path

import pytest

from promptvault.importers.files import markdown
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Item,
    Skipped,
)
from tests.importers.build import (
    bodies,
    candidates,
    document,
    failures,
    found,
    imported,
)

BESIDE = ("a.md", "b.md")


def read(text: str, name: str = "a.md") -> list[Item]:
    return list(markdown.read(document(text.encode(), name)))


def only(text: str, name: str = "a.md") -> Candidate:
    items = read(text, name)
    (one,) = [*candidates(items), *candidates(items, CandidateKind.INSTRUCTIONS)]
    return one


def titled(text: str) -> list[tuple[str | None, str]]:
    return [(c.title, c.drafts[0].body) for c in candidates(read(text))]


def test_plain_text_is_one_prompt_under_the_name_of_its_file() -> None:
    one = only("\n# Review\n\nLook at this.\r\n\r\nAnd that.\n", "work/code-review.md")
    assert one.drafts[0].body == "# Review\n\nLook at this.\n\nAnd that."
    assert (one.name, one.title) == ("work/code-review", "code review")


def test_front_matter_says_what_it_is() -> None:
    one = only("---\ntitle: T\ndescription: D\ntags: [a, b]\n---\n\nHello\n")
    assert (one.name, one.title, one.description) == ("a", "T", "D")
    assert (one.tags, one.drafts[0].body) == (("a", "b"), "Hello")


def test_skill_has_the_name_that_it_gives_itself() -> None:
    one = only("---\nname: look-up\ndescription: D\n---\nDo it.\n", "x/SKILL.md")
    assert (one.name, one.description, one.kind) == (
        "look-up",
        "D",
        CandidateKind.PROMPT,
    )
    assert only("Do it.", "look-up/SKILL.md").name == "look-up"


def test_front_matter_that_is_no_yaml() -> None:
    one = only("---\ndescription: a: b\nglobs: *.py,*.pyi\n---\nHello\n")
    assert (one.description, one.drafts[0].body) == ("a: b", "Hello")
    assert one.kind is CandidateKind.INSTRUCTIONS


def test_rule_between_lines_is_no_front_matter() -> None:
    assert only("---\n\nHello\n\n---\n\nBye\n").drafts[0].body.startswith("---")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("style.mdc", "---\ndescription: D\nalwaysApply: true\n---\nBe brief."),
        ("a.instructions.md", "---\napplyTo: '**'\n---\nBe brief."),
        ("agents/a.md", "---\nname: a\ndescription: D\n---\nBe brief."),
        ("AGENTS.md", "Be brief."),
        (".cursorrules", "Be brief."),
    ],
)
def test_standing_instructions(name: str, text: str) -> None:
    one = only(text, name)
    assert (one.kind, one.drafts[0].body) == (CandidateKind.INSTRUCTIONS, "Be brief.")


def test_arguments_of_a_command_are_variables() -> None:
    draft = only(
        "---\ndescription: D\nargument-hint: [file] [why]\n---\n"
        "Fix $1 for $ARGUMENTS, it cost $100 {{ x }}."
    ).drafts[0]
    assert draft.template
    assert [v.name for v in draft.variables] == ["argument_1", "arguments"]
    assert "{{ argument_1 }}" in draft.body
    assert "$100" in draft.body


def test_arguments_stay_where_no_command_is_declared() -> None:
    draft = only("---\ndescription: D\n---\nThe shell has $1 and $ARGUMENTS.").drafts[0]
    assert (draft.body, draft.template) == ("The shell has $1 and $ARGUMENTS.", False)


def test_inputs_of_a_prompt_file_are_variables() -> None:
    draft = only("Make ${input:kind:form or page} of ${file}.", "x.prompt.md").drafts[0]
    assert draft.body == "Make {{ kind }} of ${file}."
    assert draft.variables[0].description == "form or page"


AWESOME = """# Prompts

## About
Prose.

## Act as a Terminal
Contributed by: [@a](https://example.org)
Reference: https://example.org

> I want you to act as a terminal.<br/>
> My first command is `pwd`

## Act as `position` Interviewer
>Interview me.
>
> Now.

## Act as a Cook
I want a recipe.

## Contributors
> Many thanks.
"""


def test_awesome_list() -> None:
    assert titled(AWESOME)[:3] == [
        (
            "Act as a Terminal",
            "I want you to act as a terminal.\nMy first command is `pwd`",
        ),
        ("Act as position Interviewer", "Interview me.\n\nNow."),
        ("Act as a Cook", "I want a recipe."),
    ]
    assert "example.org" not in str(titled(AWESOME))


def test_folded_list_with_fences_in_its_prompts() -> None:
    entry = (
        "<details>\n<summary><strong>{0}</strong></summary>\n\n## {0}\n\n"
        "Contributed by [@a](x)\n\n```md\n{1}\n```\n\n</details>\n\n"
    )
    inner = "Answer so:\n```json\n{}\n```\n# Done"
    text = "# Prompts\n\n" + entry.format("A", "one") + entry.format("B", inner)
    assert titled(text) == [("A", "one"), ("B", inner)]


def test_list_in_fences() -> None:
    text = "# L\n\n## A\n\n```\none\n\n## not a heading\n```\n\n## B\n~~~\ntwo\n~~~\n"
    assert titled(text) == [("A", "one\n\n## not a heading"), ("B", "two")]


def test_marked_list() -> None:
    text = "<!-- prompt: A -->\none\n\n---\n\nmore\n<!-- prompt -->\ntwo\n"
    assert titled(text) == [("A", "one\n\n---\n\nmore"), (None, "two")]


@pytest.mark.parametrize(
    "text",
    [
        "# Task\nDo it.\n\n## Input\n```\nx\n```\n\n## Rules\nProse.\n\n## Form\nX.",
        "# Task\n\n> Be brief.\n\n## Rules\n\nProse.\n\n## Form\n\nProse.",
        "## A\n\n> x\n\n## B\n\n> y\n\n## C\n\nProse.\n\n## D\n\nProse.",
        "One\n\n---\n\nTwo\n\n===\n\nThree",
        "## A\n\nRun this:\n\n```\nx\n```\n\n## B\n\nThen this:\n\n```\ny\n```",
    ],
)
def test_prompt_with_headings_is_one_prompt(text: str) -> None:
    assert bodies(read(text)) == [text]


@pytest.mark.parametrize(
    "text", ["", "\n \n", "\x0b", "# Only a heading\n", "---\na: b\n---\n"]
)
def test_file_without_text_is_counted(text: str) -> None:
    assert read(text) == [Skipped("no text")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "About this."),
        ("LICENSE.txt", "Permission is granted."),
        ("requirements.txt", "a==1"),
        ("main.py", "import os"),
        ("run.log", "12:00 started"),
        ("page.md", "<!DOCTYPE html><html></html>"),
        ("data.txt", '[{"a": 1}]'),
        ("long.txt", "x" * 2_000_000),
    ],
)
def test_what_is_no_prompt_in_a_folder(name: str, text: str) -> None:
    assert not markdown.probe(document(text.encode(), name, [*BESIDE, name]))


def test_project_file_that_lists_prompts_is_read() -> None:
    assert markdown.probe(document(AWESOME.encode(), "README.md", BESIDE))


@pytest.mark.parametrize("name", ["README.md", "main.py", "prompt", "notes.log"])
def test_file_by_itself_is_taken_whatever_its_name(name: str) -> None:
    assert markdown.probe(document(b"Do it.", name))


@pytest.mark.parametrize("text", ["{}", "[]", "7", '"x"', '{"a": 1', "[[1"])
def test_json_is_no_text(text: str) -> None:
    assert not markdown.probe(document(text.encode()))


def test_absurd_file_is_refused() -> None:
    items = read("x" * ((1 << 24) + 1))
    assert not bodies(items)
    assert len(failures(items)) == 1


def test_edited_file_is_known_again_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "review.md"
    path.write_text("one")
    (first,) = candidates(imported(path))
    path.write_text("two")
    ((edited,), _) = found(tmp_path)
    (second,) = candidates(markdown.read(edited))
    assert first.drafts[0].message_id == second.drafts[0].message_id
    assert first.drafts[0].message_id
    assert str(tmp_path) not in str(first)
    assert only("one").drafts[0].message_id is None


def test_manual_is_no_list_of_prompts() -> None:
    install = "## Install\n```\npip install x\n```\n"
    usage = "## Basic use\n```sh\nx run\n```\n## Other use\n```py\nimport x\n```\n"
    notes = "".join(
        f"<details><summary>{n}</summary>\n\n```js\nx\n```\n</details>\n" for n in "ab"
    )
    for text in (f"# X\n{install}## Usage\n```\nx\n```\n", install + usage, notes):
        assert bodies(read(text)) == [text.strip("\n")]


PROJECT = ("README.md", "src/main.py", "docs/guide.md")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/guide.md", "Use it."),
        ("docs/guide.md", "---\ntitle: T\ndescription: D\n---\nUse it."),
        ("docs/commands/run.md", "---\ndescription: D\n---\nUse it."),
        (".github/ISSUE_TEMPLATE/bug.md", "---\nname: B\nabout: A\n---\nUse it."),
        (".claude/skills/pdf/more.md", "Use it."),
        ("README.md", "## A\n> one\n\n## B\n> two\n"),
        ("notes.txt", "Buy milk."),
    ],
)
def test_text_among_source_code_is_no_prompt(name: str, text: str) -> None:
    file = document(text.encode(), name, [*PROJECT, name])
    assert markdown.skip_reason(file) == "plain text among other files"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLAUDE.md", "Be brief."),
        (".windsurfrules", "Be brief."),
        ("x.prompt.md", "Do it."),
        ("system_prompt.txt", "Be brief."),
        ("prompts/review.md", "Do it."),
        ("src/my-prompts/review.txt", "Do it."),
        (".claude/commands/fix.md", "Do it."),
        ("commands/fix.md", "---\ndescription: D\n---\nDo it."),
        ("fix.md", "---\nallowed-tools: Bash\n---\nDo it."),
        ("skills/pdf/SKILL.md", "Do it."),
        ("agents/a.md", "---\nname: a\ndescription: D\n---\nBe brief."),
        ("a.md", "---\ntags: [prompt]\n---\nDo it."),
        ("PROMPTS.md", "Do it."),
        ("README.md", AWESOME),
    ],
)
def test_text_that_says_so_is_a_prompt_anywhere(name: str, text: str) -> None:
    file = document(text.encode(), name, [*PROJECT, name])
    assert markdown.probe(file)
    assert markdown.skip_reason(file) is None


def test_folder_of_nothing_but_texts_holds_prompts() -> None:
    around = ("a.md", "LICENSE", ".git/config", ".DS_Store", "b/c.txt", "cover.png")
    file = document(b"Do it.", "a.md", around)
    assert markdown.skip_reason(file) is None
    assert markdown.skip_reason(document(b"Do it.", "a.md", (*around, "d.pdf")))
