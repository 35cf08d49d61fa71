"""Mistakes in prompts: which are found, their severity and their line."""

from pathlib import Path

import pytest

from promptvault.cli.context import open_reader
from promptvault.domain.token import estimate_tokens
from promptvault.errors import NotFoundError
from promptvault.services.prompts.lint import (
    Finding,
    LintResult,
    Severity,
    lint_prompts,
)
from tests.conftest import Pvt

ERROR, WARNING, INFO = Severity
KEY = "AK" + "IA" + "QWERTYUIOPASDFGH"


class Prompts:
    """A vault with prompts to check."""

    def __init__(self, pvt: Pvt, folder: Path) -> None:
        self._folder = folder
        self.pvt = pvt

    def add(self, name: str, body: str, variables: str = "", *options: str) -> None:
        """Save a template; *variables* is the YAML of its declarations."""
        front = f"---\nvariables: {{{variables}}}\n---\n" if variables else ""
        file = self._folder / "prompt.md"
        file.write_text(front + body)
        kind = options or ("--template",)
        self.pvt.ok("add", name, "--file", str(file), "--upsert", *kind)

    def lint(self, *names: str) -> list[LintResult]:
        """Check through the service."""
        with open_reader() as reader:
            return lint_prompts(reader, names)

    def findings(self, *names: str) -> tuple[Finding, ...]:
        """Return all findings."""
        return tuple(f for linted in self.lint(*names) for f in linted.findings)

    def codes(self, *names: str) -> list[tuple[str, str, int | None]]:
        """Return the findings as scripts read them."""
        return [(f.severity, f.code, f.line) for f in self.findings(*names)]


@pytest.fixture
def prompts(pvt: Pvt, tmp_path: Path) -> Prompts:
    return Prompts(pvt, tmp_path)


def test_a_sound_template_has_no_findings(prompts: Prompts) -> None:
    prompts.add("base", "Be {{ tone }}.", "tone: kind")
    prompts.add(
        "letter",
        '{% include "base" %}\n{% for n in range(3) %}{{ loop.index }}{% endfor %}'
        "{% set x = 1 %}{{ x }} {{ stdin }} {{ who|upper }} {{ tone }}",
        "who: ",
    )
    assert prompts.findings() == ()


def test_an_include_that_is_not_there(prompts: Prompts) -> None:
    prompts.add("shared/tone", "Kind.")
    prompts.add("letter", 'Hi\n{% include "shared/tune" %}\n{% include "xyz" %}\n')
    first, second = prompts.findings()
    assert (first.severity, first.code, first.line) == (ERROR, "unknown-include", 2)
    assert "Did you mean: shared/tone?" in first.message
    assert second.line == 3


def test_an_include_of_a_version_that_is_not_there(prompts: Prompts) -> None:
    prompts.add("base", "Kind.")
    prompts.add("good", '{% include "base@1" %}')
    prompts.add("bad", '{% include "base@7" %}')
    prompts.add("worse", '{% include "base@!" %}')
    assert prompts.codes("good") == []
    assert prompts.codes("bad", "worse") == [(ERROR, "unknown-include", 1)] * 2


def test_what_an_include_includes_is_not_there(prompts: Prompts) -> None:
    prompts.add("middle", '{% include "gone" %}')
    prompts.add("top", 'A\n\n{% include "middle" %}')
    (finding,) = prompts.findings("top")
    assert (finding.code, finding.line) == ("unknown-include", 3)
    assert "'gone'" in finding.message
    assert "middle includes it" in finding.message


def test_prompts_that_include_each_other(prompts: Prompts) -> None:
    prompts.add("a", 'x\n{% include "b" %}')
    prompts.add("b", '{% include "a" %}')
    prompts.add("outside", '{% include "a" %}')
    prompts.add("self", '{% include "self" %}')
    assert prompts.codes("a") == [(ERROR, "include-cycle", 2)]
    assert prompts.codes("outside", "self") == [(ERROR, "include-cycle", 1)] * 2
    assert "a → b → a" in prompts.findings("b")[0].message


def test_including_a_prompt_twice_is_no_cycle(prompts: Prompts) -> None:
    prompts.add("base", "Kind.")
    prompts.add("left", '{% include "base" %}')
    prompts.add("right", '{% include "base" %}{% include "left" %}')
    prompts.add("top", '{% include "left" %}{% include "right" %}')
    assert prompts.findings() == ()


def test_many_ways_to_the_same_prompt_are_walked_once(prompts: Prompts) -> None:
    prompts.add("step-0", "Kind.")
    for number in range(1, 30):  # half a billion ways down
        include = f'{{% include "step-{number - 1}" %}}'
        prompts.add(f"step-{number}", include + include)
    assert prompts.findings("step-29") == ()


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Hi\n{% if x %}\n", 2),
        ("Hi\n\n{{ x | nofilter }}\n", 3),
        ("{{ x", 1),
        ("{% nonsense %}", 1),
    ],
)
def test_broken_syntax(prompts: Prompts, body: str, line: int) -> None:
    prompts.add("broken", body)
    prompts.add("top", 'A\n{% include "broken" %}')
    assert prompts.codes("broken") == [(ERROR, "syntax", line)]
    (finding,) = prompts.findings("top")
    assert (finding.code, finding.line) == ("syntax", 2)
    assert "broken" in finding.message


@pytest.mark.parametrize("body", ["{{ " + "(" * 5_000, "{{ " + "9" * 5_000 + " }}"])
def test_one_hostile_template_does_not_stop_the_others(
    prompts: Prompts, body: str
) -> None:
    prompts.add("hostile", body)
    prompts.add("other", "{{ x")
    codes = [(f.prompt, f.code) for f in prompts.findings()]
    assert codes == [("hostile", "syntax"), ("other", "syntax")]


def test_undeclared_variables_weigh_more_where_some_are_declared(
    prompts: Prompts,
) -> None:
    body = "Write to {{ who }},\n{{ tone }} and\nshort, {{ tone }}."
    prompts.add("quick", body)
    prompts.add("careful", body, "who: ")
    code = "undeclared-variable"
    assert prompts.codes("quick") == [(INFO, code, 1), (INFO, code, 2)]
    assert prompts.codes("careful") == [(WARNING, code, 2)]
    assert "'tone'" in prompts.findings("careful")[0].message


def test_a_declared_variable_that_nothing_uses(prompts: Prompts) -> None:
    prompts.add("base", "{{ tone }}", "tone: kind")
    prompts.add("letter", '{% include "base" %}', "tone: rude, who: ")
    (finding,) = prompts.findings()
    assert (finding.severity, finding.code) == (WARNING, "unused-variable")
    assert "'who'" in finding.message


def test_a_computed_include_may_use_any_variable(prompts: Prompts) -> None:
    prompts.add("middle", "{% include kind %}", "kind: formal")
    prompts.add("letter", '{% include "middle" %}', "who: ")
    assert prompts.findings() == ()


def test_a_prompt_that_was_meant_as_a_template(prompts: Prompts) -> None:
    prompts.add("plain", "Dear friend,\nhello {{ name }}!", "", "--no-template")
    prompts.add("json", 'Answer as {"a": {"b": 1}} or {{}}.', "", "--no-template")
    prompts.add("declared", "{{ name }}", "name: ")
    prompts.pvt.ok("set", "declared", "--no-template")
    assert prompts.codes("plain") == [(INFO, "looks-like-template", 2)]
    assert "promptvault set plain --template" in prompts.findings("plain")[0].message
    assert prompts.findings("json") == ()
    assert prompts.codes("declared") == [(WARNING, "looks-like-template", 1)]


def test_the_advice_for_a_forgotten_template_works(prompts: Prompts) -> None:
    prompts.add("plain", "Hello {{ name }}!", "", "--no-template")
    command = prompts.findings()[0].message.split("'promptvault ")[1].split("'")[0]
    prompts.pvt.ok(*command.split())
    assert prompts.pvt.ok("get", "plain", "-p", "name=Ada").text == "Hello Ada!"


def test_a_secret_is_named_but_not_repeated(prompts: Prompts) -> None:
    prompts.add("deploy", f"Deploy it\nwith {KEY}.", "", "--no-template")
    prompts.add("default", "{{ key }}", f"key: {KEY}")
    assert prompts.codes("deploy") == [(ERROR, "likely-secret", 2)]
    assert "AWS Access Key" in prompts.findings("deploy")[0].message
    assert prompts.codes("default") == [(ERROR, "likely-secret", None)]
    assert KEY not in repr(prompts.findings())


def test_the_worst_comes_first(prompts: Prompts) -> None:
    prompts.add("mix", f"{{{{ undeclared }}}}\n{KEY}\n{{{{ used }}}}", "used: , un: ")
    assert [f.severity for f in prompts.findings()] == [ERROR, WARNING, WARNING]


def test_a_text_that_is_very_long(prompts: Prompts) -> None:
    prompts.add("long", "word " * 80_005, "", "--no-template")
    prompts.add("short", "word " * 79_000, "", "--no-template")
    assert prompts.codes() == [(WARNING, "too-long", None)]
    assert [linted.tokens for linted in prompts.lint("long", "short")] == [
        100_007,
        98_750,
    ]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("word" * 10, 10),
        ("über", 1),
        ("翻訳して。", 5),
        ("안녕 hi", 3),
    ],
)
def test_the_estimate_of_tokens(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_an_include_in_a_branch_that_never_runs_is_an_error_all_the_same(
    prompts: Prompts,
) -> None:
    prompts.add("it", '{% if false %}{% include "gone" %}{% endif %}')
    assert prompts.codes("it") == [(ERROR, "unknown-include", 1)]


def test_an_include_that_may_be_missing_is_none(prompts: Prompts) -> None:
    prompts.add("it", '{% include "gone" ignore missing %}')
    assert (ERROR, "unknown-include", 1) not in prompts.codes("it")


def test_names_choose_what_is_looked_at(prompts: Prompts) -> None:
    prompts.add("folder/one", "{{ x")
    prompts.add("folder/two", "Good.")
    assert [linted.name for linted in prompts.lint()] == ["folder/one", "folder/two"]
    assert [linted.name for linted in prompts.lint("two")] == ["folder/two"]
    with pytest.raises(NotFoundError):
        prompts.lint("two", "three")


def test_a_name_can_choose_an_older_version(prompts: Prompts) -> None:
    prompts.add("one", "{{ x")
    prompts.add("one", "Good.")
    assert prompts.codes("one") == []
    assert prompts.codes("one@1") == [(ERROR, "syntax", 1)]


def test_the_trash_is_not_looked_at(prompts: Prompts) -> None:
    prompts.add("one", "{{ x")
    prompts.pvt.ok("delete", "one")
    assert prompts.lint() == []


@pytest.mark.parametrize(
    "body",
    [
        "Good.",
        '{% include "base" %}',
        '{% include "gone" %}',
        '{% include "base@2" %}',
        '{% include "it" %}',
        '{% extends "gone" %}',
        '{% import "base" as b %}',
        '{% from "gone" import b %}',
        "{{ 1 | nofilter }}",
        "{{ 'a' is notest }}",
        "{% block a %}{% endblock %}",
        "{% block a %}{% block a %}{% endblock %}{% endblock %}",
        "{% break %}",
    ],
)
def test_an_error_is_what_get_refuses(prompts: Prompts, body: str) -> None:
    prompts.add("base", "Kind.")
    prompts.add("it", body)
    fails = prompts.pvt("get", "it").code != 0
    assert any(f.severity is ERROR for f in prompts.findings("it")) == fails
