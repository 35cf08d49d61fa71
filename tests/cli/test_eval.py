"""`eval` and `label --require-eval`, for scripts and for persons."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptvault.cli import terminal
from tests.conftest import Process, Pvt, Result
from tests.model_server import (
    Body,
    Cut,
    ModelServer,
    Raw,
    Reply,
    Status,
    Text,
    json_text,
)

pytestmark = pytest.mark.usefixtures("no_retries")

KEY = "AK" + "IA" + "QWERTYUIOPASDFGH"
EVAL = ("eval", "greet", "--cases", "cases.json")


def write(*cases: dict[str, Any], **more: Any) -> None:
    """Write the file of cases."""
    text = json.dumps({"cases": list(cases), **more})
    Path("cases.json").write_text(text, encoding="utf-8")


def case(name: str, **checks: Any) -> dict[str, Any]:
    """Return a case that greets *name*."""
    checks = checks or {"contains": name}
    return {"name": name, "inputs": {"name": name}, "checks": checks}


def says(text: str) -> Callable[[Body], Reply]:
    """Return a model's answer: *text*, then the last line that it was sent."""
    return lambda body: Text(f"{text} {body['messages'][-1]['content']}")


def verdicts(*passed: bool) -> Text:
    """Return a judge's answer."""
    rows = [
        {"criterion": number, "reason": "It\nreads so.", "passed": each}
        for number, each in enumerate(passed, 1)
    ]
    return json_text({"verdicts": rows})


@pytest.fixture
def greet(pvt: Pvt, model_server: ModelServer) -> Pvt:
    """Return the program with a template, two cases, and a model that passes both."""
    pvt.ok("add", "greet", "Greet {{ name }}.", "--template")
    write(case("Ada"), case("Bob"))
    model_server.answer = says("Hello!")
    return pvt


def change(pvt: Pvt, text: str) -> None:
    """Save the next version."""
    pvt.ok("add", "greet", text, "--template", "--upsert")


def recorded(pvt: Pvt, name: str = "greet") -> list[Any]:
    """Return the evaluations on record."""
    rows: list[Any] = pvt.ok("eval", name, "--list", "--json").json
    return rows


def test_all_cases_pass(greet: Pvt, model_server: ModelServer) -> None:
    result = greet.ok(*EVAL)
    assert result.lines == ["Ada\tpassed\t", "Bob\tpassed\t"]
    assert "greet@1 passes 2 of 2 cases with test-model." in result.err
    sent = sorted(asked.text for asked in model_server.requests)
    assert sent == ["Greet Ada.", "Greet Bob."]
    (row,) = recorded(greet)
    assert (row["passed"], row["cases"], row["cases_passed"]) == (True, 2, 2)


def test_a_case_fails(greet: Pvt) -> None:
    write(case("Ada"), case("Bob", contains="Eve", max_words=1))
    result = greet(*EVAL)
    assert result.code == 5
    _, bob = (line.split("\t") for line in result.lines)
    assert bob[:2] == ["Bob", "failed"]
    assert bob[2].startswith("contains: lacks “Eve”: “Hello! Greet Bob.”; max_words:")
    (row,) = recorded(greet)
    assert (row["passed"], row["cases_passed"]) == (False, 1)


def test_the_second_time_nothing_is_sent(greet: Pvt, model_server: ModelServer) -> None:
    first = greet.ok(*EVAL, "--json").json
    again = greet.ok(*EVAL, "--json").json
    assert len(model_server.requests) == 2
    assert (again["requests"], again["cached"]) == (0, 2)
    assert [r["answer"] for r in again["results"]] == [
        r["answer"] for r in first["results"]
    ]
    greet.ok(*EVAL, "--no-cache")
    assert len(model_server.requests) == 4


def test_json_holds_everything(greet: Pvt) -> None:
    write(case("Ada"), case("Bob", equals="x"))
    result = greet(*EVAL, "--json")
    assert result.code == 5
    row = result.json
    assert (row["name"], row["version"], row["against_version"]) == ("greet", 1, None)
    assert (row["passed"], row["cases"], row["cases_passed"]) == (False, 2, 1)
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (40, 20, 0)
    ada, bob = row["results"]
    assert (ada["answer"], ada["passed"], ada["failures"]) == (
        "Hello! Greet Ada.",
        True,
        [],
    )
    assert bob["failures"][0]["check"] == "equals"
    (kept,) = recorded(greet)
    assert kept["prompt_id"] == greet.ok("show", "greet", "--json").json["id"]
    for key in ("id", "name", "prompt_id", "version_id", "created_at", "cost_usd"):
        assert kept[key] == row[key]
    assert kept["results"][1]["failures"] == bob["failures"]


def test_cases_from_stdin(greet: Pvt) -> None:
    text = b"- {inputs: {name: Ada}, checks: {contains: Ada}}\n"
    assert greet.ok("eval", "greet", "--cases", "-", stdin=text).lines == [
        "case 1\tpassed\t"
    ]


def test_the_piped_text_of_a_case(greet: Pvt, model_server: ModelServer) -> None:
    greet.ok("add", "sum", "Sum up: {{ stdin }}", "--template")
    greet.ok("add", "plain", "Be brief.")
    write({"stdin": "a long text", "checks": {"contains": "long"}})
    for name in ("sum", "plain"):
        greet.ok("eval", name, "--cases", "cases.json")
    filled, joined = (asked.body["messages"] for asked in model_server.requests)
    assert filled == [{"role": "user", "content": "Sum up: a long text"}]
    assert [message["content"] for message in joined] == ["Be brief.", "a long text"]


def test_a_system_message(greet: Pvt, model_server: ModelServer) -> None:
    greet.ok("add", "manner", "Be {{ tone }}.", "--template")
    write({"inputs": {"name": "Ada", "tone": "kind"}, "checks": {"contains": "Ada"}})
    row = greet.ok(*EVAL, "--system", "manner", "--json").json
    assert model_server.requests[0].body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Greet Ada."},
    ]
    assert row["system_version_id"]


# Comparing with another version.


def test_a_regression(greet: Pvt, model_server: ModelServer) -> None:
    greet.ok("label", "greet", "production")
    change(greet, "Say hello.{# {{ name }} #}")
    write(case("Ada"), {"name": "calm", "checks": {"not_contains": "!"}})
    result = greet(*EVAL, "--against", "@production", "--json")
    assert result.code == 5
    row = result.json
    assert (row["version"], row["against_version"]) == (2, 1)
    assert (row["regressions"], row["passed"]) == (["Ada"], False)
    ada, calm = row["results"]
    assert (ada["passed"], ada["before"]["passed"]) == (False, True)
    assert (calm["passed"], calm["before"]["passed"]) == (False, False)
    shown = greet(*EVAL, "--against", "@production")
    assert [line.split("\t")[:3] for line in shown.lines] == [
        ["Ada", "passed", "regression"],
        ["calm", "failed", "failed"],
    ]
    assert "against @1: 1 regression, 0 fixed" in shown.err
    assert recorded(greet)[0]["results"][0]["passed_before"] is True


def test_what_fails_on_both_sides_is_no_regression(greet: Pvt) -> None:
    change(greet, "Welcome {{ name }}.")
    write(case("Ada", contains="Eve"), case("Bob", contains="Welcome"))
    result = greet.ok(*EVAL, "--against", "1")
    assert [line.split("\t")[2] for line in result.lines] == ["failed", "fixed"]


def test_versions_that_send_the_same_share_a_request(
    greet: Pvt, model_server: ModelServer
) -> None:
    change(greet, "Greet {{ name }}.{# better #}")
    greet.ok(*EVAL, "--against", "@1", "--no-cache")
    assert len(model_server.requests) == 2


def test_a_variable_that_only_one_version_has(greet: Pvt) -> None:
    change(greet, "Greet {{ name }} in a {{ tone }} tone.")
    more = case("Bob", contains="kind")
    more["inputs"]["tone"] = "kind"
    write(case("Ada"), more)
    result = greet(*EVAL, "--against", "@1", "--json")
    assert result.code == 5
    ada, bob = result.json["results"]
    assert ada["regression"]  # a case without the new variable cannot be rendered
    assert ada["failures"][0]["check"] == "render"
    assert "tone" in ada["failures"][0]["reason"]
    assert (bob["before"]["passed"], bob["passed"]) == (False, True)


@pytest.mark.parametrize(
    ("against", "code"), [("@1", 2), ("@9", 3), ("@gone", 3), ("greet@1", 2)]
)
def test_a_version_that_cannot_be_compared_with(
    greet: Pvt, model_server: ModelServer, against: str, code: int
) -> None:
    assert greet(*EVAL, "--against", against).code == code
    assert model_server.requests == []


# The judge.


def test_the_judge_decides(greet: Pvt, model_server: ModelServer) -> None:
    write(case("Ada", judge=["It is kind.", "It is in verse."]))
    model_server.script(Text("Hello Ada."), verdicts(True, False))
    result = greet(*EVAL, "--judge", "strict-model")
    assert result.code == 5
    assert result.lines == ["Ada\tfailed\tjudge: “It is in verse.”: It reads so."]
    answering, judging = model_server.requests
    assert answering.body["model"] == "test-model"
    assert judging.body["model"] == "strict-model"
    material = json.loads(judging.body["messages"][-1]["content"])
    assert material == {
        "prompt": "Greet Ada.",
        "answer": "Hello Ada.",
        "criteria": {"1": "It is kind.", "2": "It is in verse."},
    }
    assert recorded(greet)[0]["judge"] == "strict-model"


def test_the_judge_is_not_asked_where_another_check_fails(
    greet: Pvt, model_server: ModelServer
) -> None:
    write(case("Ada", contains="verse", judge="It is kind."))
    row = greet(*EVAL, "--json").json
    assert len(model_server.requests) == 1
    assert [f["check"] for f in row["results"][0]["failures"]] == ["contains"]
    assert row["judge"] is None


def test_a_verdict_is_kept_in_the_cache(greet: Pvt, model_server: ModelServer) -> None:
    write(case("Ada", judge="It is kind."))
    model_server.script(Text("Hello Ada."), verdicts(True))
    greet.ok(*EVAL)
    greet.ok(*EVAL)
    assert len(model_server.requests) == 2


def test_models_that_the_file_names(greet: Pvt, model_server: ModelServer) -> None:
    write(case("Ada", judge="It is kind."), model="small", judge="large")
    model_server.script(Text("Hello."), verdicts(True), Text("Hi."), verdicts(True))
    greet.ok(*EVAL)
    greet.ok(*EVAL, "--model", "mine", "--judge", "yours")
    models = [asked.body["model"] for asked in model_server.requests]
    assert models == ["small", "large", "mine", "yours"]


def test_a_verdict_in_the_wrong_form_is_asked_for_again(
    greet: Pvt, model_server: ModelServer
) -> None:
    write(case("Ada", judge=["It is kind.", "It is short."]))
    model_server.script(Text("Hello."), verdicts(True), verdicts(True, True))
    greet.ok(*EVAL)
    assert "There must be one verdict" in model_server.requests[-1].text


@pytest.mark.parametrize("is_blind", [True, False])
def test_a_judge_that_passes_everything_is_asked_about_an_empty_answer(
    greet: Pvt, model_server: ModelServer, is_blind: bool
) -> None:
    greets = says("Hello!")

    def answer(body: Body) -> Reply:
        if "response_format" not in body:
            return greets(body)
        is_empty = not json.loads(body["messages"][-1]["content"])["answer"]
        return verdicts(is_blind or not is_empty)

    model_server.answer = answer
    names = ("Ada", "Bob", "Eve")
    write(*(case(name, judge=f"It greets {name}.") for name in names))
    shown = greet.ok(*EVAL)
    assert ("also passes an empty answer" in shown.err) == is_blind
    assert len(model_server.requests) == 7
    row = greet.ok(*EVAL, "--json").json
    assert (row["judge_passes_anything"], row["requests"]) == (is_blind, 0)
    write(*(case(name, judge="It is short.") for name in names))
    greet.ok(*EVAL)
    assert len(model_server.requests) == 10


# What goes wrong.


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ([Status(500)], 6),
        ([Status(429)], 10),
        ([Cut()], 6),
        ([Text("")], 6),
        ([Raw(b"<html>")], 6),
        ([Status(401)], 4),
        ([Status(404)], 3),
        ([Text("Hello Ada."), Text("no JSON"), Text("again none")], 6),
        ([Text("Hello Ada."), verdicts(), verdicts(True, True)], 6),
        ([Text("Hello Ada."), Status(500)], 6),
    ],
)
def test_a_fault_leaves_no_evaluation_behind(
    greet: Pvt, model_server: ModelServer, replies: list[Reply], code: int
) -> None:
    write(case("Ada", judge="It is kind."))
    model_server.script(*replies)
    result = greet(*EVAL, "--json")
    assert (result.code, result.out) == (code, b"")
    assert result.error["message"]
    assert recorded(greet) == []


def test_one_bad_judgement_costs_its_case_alone(
    greet: Pvt, model_server: ModelServer
) -> None:
    greets = says("Hello!")
    model_server.answer = lambda body: (
        Text("Fine.") if "response_format" in body else greets(body)
    )
    write(case("Ada", judge="It is kind."), case("Bob"), case("Eve", contains="Ada"))
    result = greet(*EVAL, "--json")
    assert result.code == 5
    row = result.json
    assert (row["cases"], row["cases_passed"], row["errors"]) == (3, 1, ["Ada"])
    ada, bob, eve = row["results"]
    assert "did not answer in the form asked for" in ada["error"]
    assert (ada["passed"], ada["failures"], ada["answer"]) == (
        False,
        [],
        "Hello! Greet Ada.",
    )
    assert (bob["passed"], bob["error"]) == (True, None)
    assert (eve["passed"], eve["error"]) == (False, None)
    shown = greet(*EVAL)
    assert [line.split("\t")[:2] for line in shown.lines] == [
        ["Ada", "error"],
        ["Bob", "passed"],
        ["Eve", "failed"],
    ]
    assert "passes 1 of 3 cases" in shown.err
    assert "1 case could not be decided" in shown.err
    kept = recorded(greet)[0]["results"][0]
    assert (kept["passed"], kept["error"]) == (False, ada["error"])
    # A version that could not be decided does not count as one that passes.
    write(case("Ada", judge="It is kind."), case("Bob"))
    assert greet(*EVAL).code == 5
    assert greet("label", "greet", "production", "--require-eval").code == 5


def test_one_empty_answer_costs_its_case_alone(
    greet: Pvt, model_server: ModelServer
) -> None:
    model_server.answer = lambda body: Text(
        "" if "Bob" in body["messages"][-1]["content"] else "Hello Ada"
    )
    result = greet(*EVAL, "--json")
    assert result.code == 5
    assert result.json["errors"] == ["Bob"]


def test_the_next_try_goes_on_where_a_fault_ended_it(
    greet: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_CONCURRENCY", "1")
    write(case("Ada"), case("Bob"), case("Eve"))
    good = [Text("Hello Ada."), Text("Hello Bob.")]
    model_server.script(*good, Status(500))
    assert greet(*EVAL).code == 6
    greet.ok(*EVAL)
    assert len(model_server.requests) == 4


def test_a_server_that_is_down(greet: Pvt, model_server: ModelServer) -> None:
    model_server.stop()
    result = greet(*EVAL)
    assert (result.code, result.out) == (6, b"")
    assert recorded(greet) == []


def test_an_answer_that_the_model_refuses_fails_its_case(
    greet: Pvt, model_server: ModelServer
) -> None:
    def answer(body: Body) -> Reply:
        refused = "Bob" in body["messages"][-1]["content"]
        return Text("", finish="content_filter") if refused else Text("Hello Ada")

    model_server.answer = answer
    result = greet(*EVAL, "--json")
    assert result.code == 5
    bob = result.json["results"][1]
    assert (bob["answer"], bob["failures"][0]["check"]) == (None, "answer")
    write(case("Bob"))
    assert greet(*EVAL).code == 2  # all refused, so there is no result
    assert len(recorded(greet)) == 1


def test_a_budget_ends_it(
    greet: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PRICE_INPUT", "PRICE_OUTPUT"):
        monkeypatch.setenv(f"PROMPTVAULT_AI_{name}", "1000")
    assert greet(*EVAL, "--budget", "0.01").code == 10
    assert model_server.requests == []
    assert recorded(greet) == []


def test_ctrl_c_leaves_no_evaluation_behind(
    greet: Pvt, model_server: ModelServer, pvt_process: Process
) -> None:
    asked = threading.Event()

    def answer(body: Body) -> Reply:
        asked.set()
        return Text("late", delay=20)

    model_server.answer = answer
    command = pvt_process.command(*EVAL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=15)
    assert (process.returncode, out) == (130, b"")
    assert recorded(greet) == []


def test_a_template_that_fails_on_a_case_fails_that_case(
    greet: Pvt, model_server: ModelServer
) -> None:
    change(greet, "Greet {{ name[5:][0] }}{{ 1 // (name | length - 3) }}")
    write(case("Ada", contains="Greet"), case("Elisabeth", contains="Greet"))
    result = greet(*EVAL, "--json")
    assert result.code == 5
    ada, elisabeth = result.json["results"]
    assert ada["failures"][0]["check"] == "render"
    assert elisabeth["passed"]
    assert len(model_server.requests) == 1


@pytest.mark.parametrize("text", ["{% if %}", "{% include 'gone' %}", "{# x #} "])
def test_a_broken_version_is_evaluated_without_a_request(
    greet: Pvt, model_server: ModelServer, text: str
) -> None:
    change(greet, text)
    write({"checks": {"contains": "x"}})
    result = greet(*EVAL)
    assert result.code == 5
    assert "render:" in result.text
    assert model_server.requests == []
    assert recorded(greet)[0]["passed"] is False


@pytest.mark.parametrize(
    "row",
    [
        {"inputs": {"nme": "Ada"}, "checks": {"contains": "Ada"}},
        {"inputs": {"name": "Ada"}, "checks": {"contain": "Ada"}},
        {"inputs": {"name": "Ada"}, "checks": {"regex": "("}},
    ],
)
def test_a_mistake_in_the_cases_is_told_before_anything_is_sent(
    greet: Pvt, model_server: ModelServer, row: dict[str, Any]
) -> None:
    write(case("Bob"), row)
    result = greet(*EVAL)
    assert result.code == 2
    assert "ase 2" in result.err
    assert model_server.requests == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("eval", "greet"), 2),
        (("eval", "greet", "--list", "--cases", "cases.json"), 2),
        (("eval", "greet", "--cases", "gone.yaml"), 2),
        (("eval", "gone", "--cases", "cases.json"), 3),
        (("eval", "greet@7", "--cases", "cases.json"), 3),
        ((*EVAL, "--system", "gone"), 3),
    ],
)
def test_wrong_arguments(greet: Pvt, arguments: tuple[str, ...], code: int) -> None:
    assert greet(*arguments).code == code


def test_without_a_key_it_says_what_to_do(
    greet: Pvt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    result = greet(*EVAL)
    assert result.code == 6
    assert "OPENAI_API_KEY" in result.err


def test_secrets_are_not_sent(greet: Pvt, model_server: ModelServer) -> None:
    criterion = case("Ada", judge=f"It does not say {KEY}.")
    for row in (case(f"key {KEY}"), criterion):
        write(row)
        result = greet(*EVAL)
        assert result.code == 4
        assert KEY not in result.err
    assert model_server.requests == []
    write(case(f"key {KEY}"))
    greet.ok(*EVAL, "--allow-secrets")


def test_a_record_that_cannot_be_written_loses_no_answer(
    greet: Pvt, home: Path
) -> None:
    (home / "data" / "activity.db").unlink(missing_ok=True)
    (home / "data" / "activity.db").mkdir()
    result = greet.ok(*EVAL, "--json")
    assert result.json["id"] is None
    assert "not in the record" in result.err


# The dry run, and the table.


def test_a_dry_run_sends_nothing(greet: Pvt, model_server: ModelServer) -> None:
    write(case("Ada", judge="It is kind."), case("Bob"), {"checks": {"contains": "x"}})
    shown = greet.ok(*EVAL, "--dry-run")
    for text in ("Greet Ada.", "Greet Bob.", "It is kind."):
        assert text in shown.text
    assert "Would send 3 requests" in shown.err
    assert "1 case would fail: greet lacks a value for: name" in shown.err
    row = greet.ok(*EVAL, "--dry-run", "--json").json
    assert (row["dry_run"], row["requests"]) == (True, 3)
    assert row["input_tokens"] > 500  # the judge reads answers, too
    assert model_server.requests == []
    assert recorded(greet) == []


def test_answers_cannot_speak_to_the_terminal(
    greet: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.answer = lambda _: Text("\x1b]0;pwned\x07\x1b[2Jño \ud800")
    for is_terminal in (False, True):
        monkeypatch.setattr(terminal, "stdout_is_terminal", lambda _=is_terminal: _)
        result = greet(*EVAL)
        assert result.code == 5
        assert "pwned" in result.text
        assert "\x07" not in result.text
        assert "\x1b]" not in result.text
    assert "ño" in greet(*EVAL, "--json").json["results"][0]["answer"]


def test_it_is_drawn_on_a_terminal(greet: Pvt, monkeypatch: pytest.MonkeyPatch) -> None:
    change(greet, "Say hello.{# {{ name }} #}")
    monkeypatch.setattr(terminal, "stdout_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    drawn = greet(*EVAL, "--against", "@1").text
    assert ["Case", "@1", "Result", "Why"] == drawn.split()[:4]
    assert "regression" in drawn
    assert "lacks “Ada”" in drawn
    listed = greet("eval", "greet", "--list").text
    assert "0/2" in listed


def test_a_thousand_cases(greet: Pvt, model_server: ModelServer) -> None:
    cases = [case(f"N{number % 20}") for number in range(1000)]
    names = [f"case of {number}" for number in range(1000)]
    write(*(each | {"name": name} for each, name in zip(cases, names, strict=True)))
    result = greet.ok(*EVAL)
    assert [line.split("\t")[0] for line in result.lines] == names
    assert len(model_server.requests) == 20
    assert recorded(greet)[0]["cases_passed"] == 1000


# The stored evaluations, and labels that require one.


def test_the_list_of_one_version(greet: Pvt) -> None:
    assert "never evaluated" not in greet.ok("eval", "greet", "--list").text
    greet.ok(*EVAL)
    change(greet, "Welcome {{ name }}.")
    greet.ok(*EVAL)
    assert [row["version"] for row in recorded(greet)] == [2, 1]
    assert [row["version"] for row in recorded(greet, "greet@1")] == [1]
    assert greet.ok("eval", "greet", "--list").lines[0].split("\t")[2:6] == [
        *("@2", "", "passed", "2/2")
    ]


def refused(pvt: Pvt, reference: str) -> str:
    """Return why a label is refused."""
    result: Result = pvt("label", reference, "production", "--require-eval")
    assert result.code == 5
    assert "promptvault eval greet@" in result.err
    assert pvt.ok("show", "greet", "--json").json["labels"] == {}
    return result.err


def test_a_label_asks_for_an_evaluation(greet: Pvt) -> None:
    assert "was never evaluated" in refused(greet, "greet@1")
    write(case("Ada", contains="Eve"))
    assert greet(*EVAL).code == 5
    assert "did not pass" in refused(greet, "greet")
    write(case("Ada"))
    greet.ok(*EVAL)
    greet.ok("label", "greet@1", "production", "--require-eval")
    assert greet.ok("show", "greet", "--json").json["labels"] == {"production": 1}


def test_the_latest_evaluation_counts(greet: Pvt) -> None:
    greet.ok(*EVAL)
    write(case("Ada", contains="Eve"))
    greet(*EVAL)
    assert "0 of 1 cases passed" in refused(greet, "greet")


def test_another_version_s_evaluation_does_not_count(greet: Pvt) -> None:
    greet.ok(*EVAL)
    change(greet, "Welcome {{ name }}.")
    assert "greet@2 was never evaluated" in refused(greet, "greet")
    greet.ok("label", "greet@1", "production", "--require-eval")


def test_newer_cases_count_for_older_versions(greet: Pvt) -> None:
    greet.ok(*EVAL)
    change(greet, "Welcome {{ name }}.")
    write(case("Ada", contains="Welcome"))
    greet.ok(*EVAL)
    assert "with other cases than version 2 since" in refused(greet, "greet@1")
    assert greet("eval", "greet@1", "--cases", "cases.json").code == 5
    assert "did not pass" in refused(greet, "greet@1")
    greet.ok("label", "greet@2", "production", "--require-eval")


def test_both_its_latest_cases_and_the_prompt_s_have_to_pass(greet: Pvt) -> None:
    good, bad = (case("Ada"),), (case("Ada", contains="Eve"),)
    for own in ([good, bad], [bad, good]):
        change(greet, f"Greet {{{{ name }}}}, {len(recorded(greet))}.")
        version = f"greet@{greet.ok('show', 'greet', '--json').json['version']}"
        for cases in own:
            write(*cases)
            greet("eval", version, "--cases", "cases.json")
        change(greet, f"Welcome {{{{ name }}}}, {len(recorded(greet))}.")
        write(*own[0])
        greet(*EVAL)  # another version, with older cases
        assert "did not pass" in refused(greet, version)


def test_a_comparison_without_regression_is_a_pass(greet: Pvt) -> None:
    write(case("Ada", contains="Eve"))
    change(greet, "Welcome {{ name }}.")
    greet.ok(*EVAL, "--against", "@1")
    greet.ok("label", "greet@2", "production", "--require-eval")


def test_a_label_that_is_taken_off_asks_for_nothing(greet: Pvt) -> None:
    greet.ok("label", "greet", "production")
    both = ("label", "greet", "production", "--remove", "--require-eval")
    assert greet(*both).code == 2
    greet.ok("label", "greet", "production", "--remove")
