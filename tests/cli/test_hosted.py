"""The server's model, at the protocol: which server gets what, and what it answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvault.credentials import store_credential
from tests.cli.test_optimize import BETTER, REVIEW, Workshop
from tests.conftest import Pvt
from tests.model_server import ModelServer, Status, Text

TOKEN = "pvt_the-token-of-the-sign-in"
OWN_KEY = "key-of-the-test"
OPTIMIZE = ("optimize", "review", "--json")


@pytest.fixture
def hosting(
    pvt: Pvt, home: Path, no_retries: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModelServer]:
    """Return the server that the user is signed in to, with its model."""
    server = ModelServer()
    server.start()
    address = server.url.removesuffix("/v1")
    monkeypatch.setenv("PROMPTVAULT_SYNC_SERVER", address)
    store_credential(home / "credentials", f"token for {address}", TOKEN)
    pvt.ok("add", "review", REVIEW, "--template")
    server.answer = Workshop([BETTER]).answer
    yield server
    server.stop()


def headers_of(server: ModelServer, name: str) -> list[str]:
    """Return a header of all requests."""
    every = [
        {key.lower(): value for key, value in asked.headers.items()}
        for asked in server.requests
    ]
    return [headers.get(name.lower(), "") for headers in every]


def test_the_requests_of_an_optimization_are_one_operation(
    pvt: Pvt, hosting: ModelServer
) -> None:
    row = pvt.ok(*OPTIMIZE, "--hosted").json
    assert {asked.path for asked in hosting.requests} == {"/v1/ai/chat/completions"}
    assert {*headers_of(hosting, "Authorization")} == {f"Bearer {TOKEN}"}
    assert {*headers_of(hosting, "PV-Task")} == {"optimize"}
    assert len({*headers_of(hosting, "PV-Operation")}) == 1
    keys = headers_of(hosting, "Idempotency-Key")
    assert all(keys)
    assert len({*keys}) == row["requests"] == len(keys)
    assert row["model"] == "promptvault-hosted"
    assert row["cost_usd"] == 0

    hosting.requests.clear()
    pvt.ok(*OPTIMIZE, "--hosted", "--no-cache")
    assert {*headers_of(hosting, "Idempotency-Key")} & {*keys} == set()


def test_a_repeated_request_keeps_its_key(
    pvt: Pvt, hosting: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "1")
    hosting.script(Status(503, {"Retry-After": "0"}))
    pvt.ok(*OPTIMIZE, "--hosted")
    first, second, third, *_ = headers_of(hosting, "Idempotency-Key")
    assert first == second != third


def test_an_empty_answer_is_not_asked_for_again_by_its_key(
    pvt: Pvt, hosting: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server would repeat it."""
    monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "1")
    hosting.script(Text(""))
    pvt.ok(*OPTIMIZE, "--hosted")
    first, second, *_ = headers_of(hosting, "Idempotency-Key")
    assert first != second


class TestNoSecretGoesToTheOtherServer:
    """There are an own key, with headers for its server, and a sign-in."""

    @pytest.fixture(autouse=True)
    def own_key(
        self, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = f"X-Gateway: {OWN_KEY}\nAuthorization: Bearer {OWN_KEY}"
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
        monkeypatch.setenv("OPENAI_ORG_ID", OWN_KEY)
        monkeypatch.setenv("OPENAI_PROJECT_ID", OWN_KEY)
        model_server.answer = Workshop([BETTER]).answer

    @pytest.mark.parametrize("more", [(), ("--own",), ("--model", "other")])
    def test_own(
        self,
        pvt: Pvt,
        hosting: ModelServer,
        model_server: ModelServer,
        more: tuple[str, ...],
    ) -> None:
        pvt.ok(*OPTIMIZE, *more)
        assert hosting.requests == []
        assert {*headers_of(model_server, "Authorization")} == {f"Bearer {OWN_KEY}"}
        assert {*headers_of(model_server, "PV-Task")} == {""}
        assert {*headers_of(model_server, "Idempotency-Key")} == {""}

    @pytest.mark.parametrize("by_setting", [False, True])
    def test_hosted(
        self,
        pvt: Pvt,
        hosting: ModelServer,
        model_server: ModelServer,
        by_setting: bool,
    ) -> None:
        if by_setting:
            pvt.ok("config", "set", "ai.provider", "hosted")
        pvt.ok(*OPTIMIZE, *([] if by_setting else ["--hosted"]))
        assert model_server.requests == []
        assert hosting.requests
        assert not any(OWN_KEY in str(asked.headers) for asked in hosting.requests)

    def test_a_redirect_is_not_followed(
        self, pvt: Pvt, hosting: ModelServer, model_server: ModelServer
    ) -> None:
        hosting.script(
            Status(307, {"Location": f"{model_server.url}/chat/completions"})
        )
        result = pvt(*OPTIMIZE, "--hosted")
        assert (result.code, model_server.requests) == (6, [])


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "unauthenticated", 4),
        (402, "tier_limit", 9),
        (403, "forbidden", 4),
        (409, "conflict", 10),
        (413, "too_large", 2),
        (422, "invalid_input", 2),
        (429, "rate_limited", 10),
        (503, "unavailable", 6),
    ],
)
def test_errors_have_the_words_of_the_server(
    pvt: Pvt, hosting: ModelServer, status: int, code: str, exit_code: int
) -> None:
    error = {"code": code, "message": f"As the server says, not {TOKEN}."}
    hosting.script(Status(status, {"Retry-After": "999999"}, error))
    result = pvt("optimize", "review", "--hosted")
    assert result.code == exit_code, result.err
    assert len(hosting.requests) == 1
    assert ("As the server says, not (hidden)." in result.err) == (
        status not in {401, 409}
    )
    assert TOKEN not in result.err


def test_a_server_without_a_model_is_no_reason_to_look_for_an_address(
    pvt: Pvt, hosting: ModelServer
) -> None:
    hosting.script(Status(404, {}, {"code": "not_found", "message": "Not Found."}))
    result = pvt("optimize", "review", "--hosted")
    assert result.code == 2
    assert "no model of its own" in result.err
    assert "--own" in result.err


def test_the_own_budget_is_not_touched(
    pvt: Pvt, hosting: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_AI_BUDGET_USD", "0.000001")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_INPUT", "1000")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_OUTPUT", "1000")
    pvt.ok(*OPTIMIZE, "--hosted", "--budget", "0")


@pytest.mark.parametrize("task", ["run", "eval"])
@pytest.mark.parametrize("by_setting", [False, True])
def test_runs_and_evaluations_need_an_own_key(
    pvt: Pvt, hosting: ModelServer, tmp_path: Path, task: str, by_setting: bool
) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text('[{"checks": {"contains": "a"}}]')
    pvt.ok("add", "tea", "Make tea.")
    if by_setting:
        pvt.ok("config", "set", "ai.provider", "hosted")
    more = ["--cases", str(cases)] if task == "eval" else []
    result = pvt(task, "tea", *more, *([] if by_setting else ["--hosted"]))
    assert (result.code, hosting.requests) == (2, [])
    assert f"'{task}' uses your own key only" in result.err


@pytest.mark.parametrize(
    "more",
    [("--own",), ("--model", "m"), ("--base-url", "http://x/v1"), ("--judge", "j")],
)
def test_the_model_of_the_server_cannot_be_chosen(
    pvt: Pvt, hosting: ModelServer, more: tuple[str, ...]
) -> None:
    result = pvt("optimize", "review", "--hosted", *more)
    assert (result.code, hosting.requests) == (2, [])


def test_nothing_is_sent_that_must_not_be(pvt: Pvt, hosting: ModelServer) -> None:
    plan = pvt.ok(*OPTIMIZE, "--hosted", "--dry-run").json
    assert (plan["model"], plan["cost_usd"]) == ("promptvault-hosted", 0)
    pvt.ok("add", "held", "Use ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "--json")
    assert pvt("optimize", "held", "--hosted").code == 4
    assert hosting.requests == []


class TestSignedOut:
    """There is neither a key nor a sign-in."""

    @pytest.fixture(autouse=True)
    def prompt(self, pvt: Pvt) -> None:
        pvt.ok("add", "review", REVIEW, "--template")

    @pytest.mark.parametrize(
        "command",
        [("optimize", "review"), ("template", "new", "x", "--from", "A short mail")],
    )
    def test_both_ways_are_named(self, pvt: Pvt, command: tuple[str, ...]) -> None:
        result = pvt(*command)
        assert result.code == 2
        assert "OPENAI_API_KEY" in result.err
        assert "promptvault login" in result.err

    def test_what_needs_no_model_goes_on_without(self, pvt: Pvt) -> None:
        assert "rules" in pvt.ok("categorize", "review").err

    @pytest.mark.parametrize(
        ("command", "exit_code"),
        [
            (("optimize", "review", "--hosted"), 4),
            (("optimize", "review", "--own"), 6),
            (("run", "review", "-p", "code=x", "-p", "strict="), 6),
        ],
    )
    def test_the_chosen_way_is_the_only_one(
        self, pvt: Pvt, command: tuple[str, ...], exit_code: int
    ) -> None:
        assert pvt(*command).code == exit_code
