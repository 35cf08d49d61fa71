"""`optimize --cases`: candidates must pass test cases that the model was not shown."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from promptvault.services.evaluation.case import parse_suite
from promptvault.services.optimization.case_set import split_cases
from tests.cli.test_optimize import is_decoy, kind_of, rated, texts_in
from tests.conftest import Pvt
from tests.model_server import Body, ModelServer, Reply, Text, json_text

GREET = "Greet {{ name }} in a letter."
KIND = "Greet {{ name }} in a kind letter."
POLITE = "Greet {{ name }} politely in a letter."
NAMES = ("Ada", "Bob", "Cid", "Dan", "Eve", "Fay")
OPTIMIZE = ("optimize", "greet", "--cases", "cases.json")


def write_cases(*names: str, **more: Any) -> None:
    """Write a case for each name: the letter must begin with "Dear"."""
    rows = [
        {"name": name, "inputs": {"name": name}, "checks": {"contains": f"Dear {name}"}}
        for name in names
    ]
    rows = [row | more.get(str(row["name"]), {}) for row in rows]
    Path("cases.json").write_text(json.dumps(rows), encoding="utf-8")


def parts() -> tuple[list[str], list[str]]:
    """Return the names of the cases that are shown, and of those held apart."""
    text = Path("cases.json").read_text(encoding="utf-8")
    shown, held = split_cases(parse_suite(text, "cases.json", Path()))
    return list(shown.names), list(held.names)


@dataclass
class Writer:
    """A model that proposes texts, judges them, and follows each of them."""

    rounds: list[list[str]]
    passes: dict[str, set[str]] = field(default_factory=dict)
    """For a text, the names with which its answer begins as it should."""
    points: dict[str, int] = field(default_factory=dict)
    asked: list[Body] = field(default_factory=list)
    """The requests for candidates."""

    def answer(self, body: Body) -> Reply:
        """Answer one request."""
        if "response_format" not in body:
            return Text(self._letter(body["messages"][-1]["content"]))
        if kind_of(body) == "candidates":
            self.asked.append(body)
            texts = self.rounds[min(len(self.asked), len(self.rounds)) - 1]
            rows = [{"text": t, "change": f"It is text {t[-21:]}"} for t in texts]
            return json_text({"candidates": rows})
        if kind_of(body) == "verdicts":
            return Text("no verdict")
        return json_text(rated([self._points(text) for text in texts_in(body)]))

    def _letter(self, message: str) -> str:
        for text, names in self.passes.items():
            for name in names:
                if message == text.replace("{{ name }}", name):
                    return f"Dear {name}"
        return "Hi!"

    def _points(self, text: str) -> int:
        return 0 if is_decoy(text, GREET) else self.points.get(text, 5)


@pytest.fixture
def writer(pvt: Pvt, model_server: ModelServer, no_retries: None) -> Writer:
    """Return a model whose text POLITE passes all cases, and the prompt `greet`."""
    pvt.ok("add", "greet", GREET, "--template")
    write_cases(*NAMES)
    made = Writer([[POLITE]], {POLITE: set(NAMES)}, {POLITE: 6})
    model_server.answer = made.answer
    return made


def test_it_says_how_many_cases_pass_before_and_after(
    pvt: Pvt, writer: Writer, model_server: ModelServer
) -> None:
    result = pvt.ok(*OPTIMIZE, "--apply")
    assert "shown\t0/3\t3/3" in result.lines
    assert "held apart\t0/3\t3/3" in result.lines
    assert "1\t3/3\t3/3\t36 ★\tIt is text politely in a letter." in result.lines
    assert pvt.ok("get", "--raw", "greet").text == POLITE
    message = pvt.ok("log", "greet", "--json").json[0]["message"]
    assert message == "Optimize (30 -> 36 of 60, cases 0/3 -> 3/3)"
    asked = len(model_server.requests)
    again = pvt.ok("optimize", "greet@1", *OPTIMIZE[2:], "--json").json
    assert len(model_server.requests) == asked
    shown, held = parts()
    assert again["cases"] == {
        "shown": {"cases": shown, "total": 3, "before": 0, "after": 3},
        "held_apart": {"cases": held, "total": 3, "before": 0, "after": 3},
    }
    assert again["candidates"][0]["cases"] == {
        "shown": {"passed": 3, "total": 3},
        "held_apart": {"passed": 3, "total": 3},
    }
    [record, _] = pvt.ok("optimizations", "--json").json
    assert record["cases"] == again["cases"]


def test_the_model_that_writes_sees_the_failures_of_one_half_only(
    pvt: Pvt, writer: Writer
) -> None:
    shown, held = parts()
    writer.passes[GREET] = {shown[0]}
    pvt.ok(*OPTIMIZE)
    told = writer.asked[0]["messages"][1]["content"]
    assert f'"name": "{shown[1]}"' in told
    assert f"contains: lacks “Dear {shown[1]}”: “Hi!”" in told
    assert not [name for name in (shown[0], *held) if name in told]


@pytest.mark.parametrize("loses", ["shown", "held apart"])
def test_a_text_that_passes_fewer_cases_is_never_recommended(
    pvt: Pvt, writer: Writer, loses: str
) -> None:
    shown, held = parts()
    lost = shown[0] if loses == "shown" else held[0]
    writer.passes |= {GREET: set(NAMES), POLITE: set(NAMES) - {lost}}
    writer.points[POLITE] = 10
    result = pvt.ok(*OPTIMIZE, "--apply", "--json").json
    assert (result["best"], result["new_version"]) == (None, None)
    [candidate] = result["candidates"]
    assert "passes 2/3 of the" in candidate["refused"][0]
    assert loses in candidate["refused"][0]
    assert candidate["points"] is None
    assert result["cases"]["held_apart"]["after"] is None
    assert pvt.ok("get", "--raw", "greet").text == GREET


def test_passed_cases_count_more_than_points(pvt: Pvt, writer: Writer) -> None:
    writer.rounds = [[KIND, POLITE]]
    writer.points = {KIND: 9, POLITE: 4}
    result = pvt.ok(*OPTIMIZE, "--json").json
    assert result["best"] == 1
    assert (result["before"], result["after"]) == (30, 24)


def test_a_judge_that_is_fooled_recommends_nothing_despite_the_cases(
    pvt: Pvt, writer: Writer
) -> None:
    writer.points = {POLITE: 0}
    result = pvt.ok(*OPTIMIZE, "--apply", "--json").json
    assert "shuffled" in result["doubt"]
    assert result["best"] is None
    assert pvt.ok("get", "--raw", "greet").text == GREET


def test_a_round_learns_from_what_the_best_text_still_fails(
    pvt: Pvt, writer: Writer
) -> None:
    shown, held = parts()
    writer.rounds = [[KIND, "Greet {{ nme }}"], [POLITE]]
    writer.passes[KIND] = {shown[0], held[0]}
    result = pvt.ok(*OPTIMIZE, "--rounds", "5")
    assert "Round 1 of 5: the best text passes 1/3" in result.err
    assert "Round 2 of 5: the best text passes 3/3" in result.err
    assert "Round 3" not in result.err
    first, second = writer.asked
    assert texts_in(first) == [GREET]
    assert texts_in(second) == [KIND]
    told = second["messages"][1]["content"]
    assert shown[0] not in told
    assert shown[1] in told
    assert "refused: it drops the variable name" in told
    row = pvt.ok(*OPTIMIZE, "--rounds", "5", "--json").json
    assert (row["rounds"], row["best"], row["requests"]) == (2, 2, 0)
    assert [c["round"] for c in row["candidates"]] == [1, 1, 2]


def test_of_many_rounds_only_the_best_are_tried_on_the_cases_held_apart(
    pvt: Pvt, writer: Writer
) -> None:
    shown, _ = parts()
    writer.rounds = [[KIND], [POLITE]]
    writer.passes[KIND] = {shown[0]}
    row = pvt.ok(*OPTIMIZE, "--rounds", "2", "--candidates", "1", "--json").json
    kind, polite = row["candidates"]
    assert kind["refused"] == ["passes fewer of the shown cases than others"]
    assert "held_apart" not in kind["cases"]
    assert polite["cases"]["held_apart"] == {"passed": 3, "total": 3}


def test_no_round_begins_that_the_budget_cannot_pay(
    pvt: Pvt, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_INPUT", "0")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_OUTPUT", "1000")
    writer.rounds = [[KIND], [POLITE]]
    result = pvt.ok(
        *OPTIMIZE, "--rounds", "2", "--candidates", "1", "--budget", "4", "--json"
    )
    assert "budget is too small for round 2" in result.err
    assert result.json["rounds"] == 1


def test_the_plan_has_all_rounds_in_it(
    pvt: Pvt, writer: Writer, model_server: ModelServer
) -> None:
    arguments = (*OPTIMIZE, "--rounds", "3", "--candidates", "2", "--dry-run")
    row = pvt.ok(*arguments, "--json").json
    assert row["requests"] == 7 + 3 * (1 + 2 * 3) + 2 * 3 + 2
    assert len(row["messages"]) == 7
    assert "That is the most" in pvt.ok(*arguments).err
    assert model_server.requests == []


def test_a_case_without_a_result_is_left_out(pvt: Pvt, writer: Writer) -> None:
    shown, _ = parts()
    write_cases(*NAMES, **{shown[0]: {"checks": {"judge": "It is kind."}}})
    left = pvt.ok(*OPTIMIZE, "--json").json["cases"]
    names = left["shown"]["cases"] + left["held_apart"]["cases"]
    assert sorted(names) == sorted(set(NAMES) - {shown[0]})
    assert left["shown"]["total"] + left["held_apart"]["total"] == 5


@pytest.mark.parametrize(
    ("names", "more", "arguments"),
    [
        (("Ada",), {}, OPTIMIZE),
        (NAMES, {"Bob": {"inputs": {"nme": "Bob"}}}, OPTIMIZE),
        (NAMES, {}, ("optimize", "greet", "--rounds", "2")),
        (NAMES, {}, (*OPTIMIZE, "--rounds", "0")),
    ],
)
def test_a_mistake_is_reported_before_anything_is_sent(
    pvt: Pvt,
    writer: Writer,
    model_server: ModelServer,
    names: tuple[str, ...],
    more: dict[str, Any],
    arguments: tuple[str, ...],
) -> None:
    write_cases(*names, **more)
    assert pvt(*arguments).code == 2
    assert model_server.requests == []


def test_secrets_in_cases_are_not_sent(
    pvt: Pvt, writer: Writer, model_server: ModelServer
) -> None:
    key = f"ghp_{'a1B2' * 9}"
    for row in ({"inputs": {"name": key}}, {"checks": {"contains": key}}):
        write_cases(*NAMES, Bob=row)
        result = pvt(*OPTIMIZE)
        assert result.code == 4
        assert key not in result.err
    assert model_server.requests == []
    pvt.ok(*OPTIMIZE, "--allow-secrets")
