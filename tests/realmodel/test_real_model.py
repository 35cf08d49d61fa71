"""The form of what commands do with a real model, whatever it answers."""

import pytest

from tests.conftest import Pvt
from tests.realmodel.weights import CONTEXT

pytestmark = [
    pytest.mark.realmodel,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("model"),
]

HELLO = "Say hello to the customer in one short sentence."


@pytest.fixture
def hello(pvt: Pvt, model: None) -> Pvt:
    """Return the program, with a prompt."""
    pvt.ok("add", "hello", HELLO)
    return pvt


def versions(pvt: Pvt) -> int:
    """Return how many versions the prompt has."""
    return len(pvt.ok("log", "hello", "--json").json)


def test_run(hello: Pvt) -> None:
    answer = hello.ok("run", "hello", "--max-tokens", "24", "--temperature", "0")

    assert answer.text
    (row,) = hello.ok("runs", "--json").json
    assert row["status"] == "done"
    assert row["input_tokens"] > 0
    assert 0 < row["output_tokens"] <= 24
    assert row["tokens_estimated"] is False
    again = hello.ok("run", "hello", "--max-tokens", "24", "--temperature", "0")
    assert (again.text, "cache" in again.err) == (answer.text, True)


def test_a_cut_answer_names_the_limit(hello: Pvt) -> None:
    result = hello.ok("run", "hello", "--max-tokens", "3", "--no-stream")

    assert "the 3 tokens of --max-tokens" in result.err
    assert hello.ok("runs", "--json").json[0]["cut"] is True


def test_a_prompt_that_is_too_long_names_the_limit(pvt: Pvt) -> None:
    pvt.ok("add", "long", "-", stdin=b"many words " * CONTEXT)

    result = pvt("run", "long")

    assert result.code == 2
    assert f"it takes {CONTEXT:,}" in result.err
    assert pvt.ok("runs", "--json").json[0]["status"] == "failed"


def test_optimize(hello: Pvt) -> None:
    result = hello("optimize", "hello", "--candidates", "1", "--json")

    assert result.code in {0, 6}  # it may be unable to keep to a form
    assert versions(hello) == 1


def test_categorize(hello: Pvt) -> None:
    hello.ok("categorize", "hello", "--json")

    assert versions(hello) == 1
    assert [row["name"] for row in hello.ok("list", "--json").json] == ["hello"]
