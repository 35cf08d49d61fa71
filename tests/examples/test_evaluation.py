"""The example of `eval` works as its README says, and its cases can fail."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Pvt
from tests.model_server import Body, ModelServer, Reply, Text, json_text

EXAMPLES = Path(__file__).parents[2] / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
GOOD = "We are sorry that your parcel is late. We call the carrier today."


def _answer(body: Body) -> Reply:
    """Answer well; as a judge, approve everything."""
    last = body["messages"][-1]["content"]
    if "response_format" not in body:
        return Text(GOOD)
    numbers = [int(number) for number in json.loads(last)["criteria"]]
    rows = [{"criterion": n, "reason": "So it is.", "passed": True} for n in numbers]
    return json_text({"verdicts": rows})


@pytest.fixture
def reply(pvt: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Pvt:
    """Return the program after the first line of the README's commands."""
    model_server.answer = _answer
    monkeypatch.chdir(EXAMPLES)
    first, *_ = _commands()
    pvt.ok(*first)
    return pvt


def _commands() -> list[list[str]]:
    section = README.partition("## evaluation")[2]
    return [line.split() for line in re.findall(r"^promptvault (.+)$", section, re.M)]


def test_the_commands_of_the_readme(reply: Pvt, model_server: ModelServer) -> None:
    _, evaluate, label = _commands()
    lines = reply.ok(*evaluate).lines
    found = re.search(r"Of (\d+) cases, one asks a model to judge (\d+)", README)
    assert found
    assert len(lines) == int(found[1])
    judged = [a for a in model_server.requests if "response_format" in a.body]
    (material,) = (json.loads(a.body["messages"][-1]["content"]) for a in judged)
    assert len(material["criteria"]) == int(found[2])
    reply.ok(*label)
    assert reply.ok("show", "reply", "--json").json["labels"] == {"production": 1}


def test_each_case_can_fail(reply: Pvt, model_server: ModelServer) -> None:
    _, evaluate, _ = _commands()
    model_server.answer = lambda _: Text(f"Hey [Name]! A full refund. {'so ' * 80}")
    result = reply(*evaluate)
    assert result.code == 5
    assert {line.split("\t")[1] for line in result.lines} == {"failed"}


def test_the_complaint_of_the_file_is_sent(
    reply: Pvt, model_server: ModelServer
) -> None:
    reply.ok(*_commands()[1])
    texts = "".join(asked.text for asked in model_server.requests)
    assert (EXAMPLES / "evaluation" / "complaint.txt").read_text() in texts
