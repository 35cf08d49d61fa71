"""The program with the server's model: what a plan gives, and what a user sees."""

from collections.abc import Callable

import pytest

from promptvault.domain.tier import Tier
from tests.cli.test_optimize import BETTER, REVIEW, Workshop
from tests.conftest import Pvt
from tests.model_server import ModelServer
from tests.server.ai.conftest import UPSTREAM_KEY, hosted
from tests.server.conftest import Server

START = Callable[..., Server]


@pytest.fixture
def program(pvt: Pvt, model: ModelServer, no_retries: None) -> Pvt:
    """Return the program with a prompt, and let the operator's model improve it."""
    pvt.ok("add", "review", REVIEW, "--template")
    model.answer = Workshop([BETTER], {BETTER.strip(): 8, REVIEW.strip(): 4}).answer
    return pvt


def sign_in(program: Pvt, server: Server, token: str) -> None:
    """Sign the program in by a machine's token."""
    program.ok("login", "--server", server.url, "--token", "-", stdin=token.encode())


def test_a_plan_optimizes_without_a_key_and_shows_what_was_used(
    program: Pvt, server: Server, token: str, model: ModelServer
) -> None:
    sign_in(program, server, token)
    result = program.ok("optimize", "review", "--apply")
    assert result.err.count("With the server's model") == 1
    assert program.ok("get", "review", "--raw").text == BETTER
    assert len(model.requests) == 4
    assert {each.headers["Authorization"] for each in model.requests} == {
        f"Bearer {UPSTREAM_KEY}"
    }
    assert not any(token in str(each.headers) for each in model.requests)

    spending = program.ok("spending", "--json").json
    assert spending["spent_usd"] == 0
    used = spending["hosted"]
    assert (used["cap_usd"], used["optimizations"]) == (5, 1)
    assert used["spent_usd"] > 0
    assert used["by_task"]["optimize"]["requests"] == 4
    assert program.ok("whoami", "--json").json["hosted"] == used
    assert "of $5.00 used, 1 optimization; starts" in program.ok("spending").err
    assert "server's model\t$" in program.ok("whoami").text


def test_what_is_cached_needs_no_server(
    program: Pvt, server: Server, token: str, model: ModelServer
) -> None:
    sign_in(program, server, token)
    first = program.ok("optimize", "review", "--json").json
    server.stop()
    again = program.ok("optimize", "review", "--json")
    assert again.json["candidates"] == first["candidates"]
    assert "server's model" not in again.err
    spending = program.ok("spending", "--json")
    assert spending.json["hosted"] is None
    assert "cannot be reached" in spending.err


@pytest.mark.parametrize("token", [Tier.FREE], indirect=True)
def test_the_free_plan_has_no_model(
    program: Pvt, server: Server, token: str, model: ModelServer
) -> None:
    sign_in(program, server, token)
    by_itself = program("optimize", "review")
    assert by_itself.code == 2
    assert "OPENAI_API_KEY" in by_itself.err
    assert "the free plan of" in by_itself.err
    refused = program("optimize", "review", "--hosted")
    assert refused.code == 9
    assert "free plan" in refused.err
    assert "1 prompt went by rules" in program.ok("categorize", "review").err
    assert "server's model" not in program.ok("spending").err
    assert model.requests == []


def test_a_server_without_a_model_is_as_none(
    program: Pvt, start_server: START, token: str
) -> None:
    sign_in(program, start_server(), token)
    result = program("optimize", "review")
    assert result.code == 2
    assert "has no model of its own" in result.err
    assert program("optimize", "review", "--hosted").code == 2
    assert program.ok("whoami", "--json").json["hosted"] is None
    assert program.ok("spending", "--json").json["hosted"] is None


def test_the_fair_use_ends_with_words_and_the_own_key_goes_on(
    program: Pvt,
    start_server: START,
    token: str,
    model: ModelServer,
    model_server: ModelServer,
) -> None:
    server = start_server(**hosted(model, ai_cap_pro=0.0001))
    sign_in(program, server, token)
    result = program("optimize", "review", "--hosted")
    assert result.code == 10
    assert "your own key has no limit" in result.err
    assert model.requests == []
    model_server.answer = model.answer
    program.ok("optimize", "review")
    assert not any(token in str(each.headers) for each in model_server.requests)
