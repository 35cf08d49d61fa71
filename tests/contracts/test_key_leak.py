"""Keys and passwords for models are sent to their server, and appear nowhere else."""

from pathlib import Path

import pytest

from tests.conftest import Pvt, Result
from tests.model_kit import KEY, PASSWORD
from tests.model_server import Cut, ModelServer, Parts, Raw, Reply, Status, Text

WORDS = f"{KEY} {PASSWORD}"
ECHO = {"message": WORDS, "code": KEY, "type": KEY, "param": PASSWORD}
REPLIES: dict[str, Reply] = {
    "answer": Text("Fine."),
    "no JSON": Raw(f"<{WORDS}>".encode()),
    "no chat": Raw(f'{{"error": "{WORDS}"}}'.encode()),
    "no event": Parts([f"data: <{WORDS}>\n\n".encode()]),
    "event": Parts([f'data: {{"error": {{"message": "{WORDS}"}}}}\n\n'.encode()]),
    "cut": Cut(["Half"]),
    "slow": Text("Late.", delay=2),
    **{
        str(code): Status(code, {"X-Echo": WORDS, "Retry-After": "999"}, ECHO)
        for code in (400, 401, 403, 404, 422, 429, 500)
    },
}


@pytest.fixture
def program(
    pvt: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> Pvt:
    """Return the program with a key, and a password in the URL, in its settings."""
    url = model_server.url.replace("//", f"//me:{PASSWORD}@")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("PROMPTVAULT_AI_TIMEOUT", "0.3")
    monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "1")
    monkeypatch.setenv("PROMPTVAULT_AI_BUDGET_USD", "1")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_INPUT", "1")
    monkeypatch.setenv("PROMPTVAULT_DEBUG", "1")  # other errors are shown as they are
    pvt.ok("add", "greet", "Greet me.")
    return pvt


def require_clean(result: Result, home: Path) -> None:
    """Fail if a secret is in the output, or in a file of the program."""
    written = [p.read_bytes() for p in home.rglob("*") if p.is_file()]
    found = b"\n".join([*written, result.out, result.err.encode()])
    assert KEY.encode() not in found
    assert PASSWORD.encode() not in found


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["", "json"])
@pytest.mark.parametrize("name", REPLIES)
def test_they_stand_nowhere(
    program: Pvt,
    model_server: ModelServer,
    home: Path,
    name: str,
    more: tuple[str, ...],
) -> None:
    model_server.answer = lambda _: REPLIES[name]

    result = program("run", "greet", *more)

    assert model_server.requests
    assert (result.code == 0) == (name == "answer")
    require_clean(result, home)


def test_they_stand_in_no_plan_and_no_setting(
    program: Pvt, model_server: ModelServer, home: Path
) -> None:
    for arguments in (
        ("run", "greet", "--dry-run", "--json"),
        ("config", "list"),
        ("config", "list", "--json"),
        ("runs", "--json"),
        ("spending", "--json"),
        ("cache", "stats", "--json"),
    ):
        result = program(*arguments)
        assert result.code == 0, result.err
        require_clean(result, home)

    model_server.stop()
    result = program("run", "greet")
    assert result.code == 6
    require_clean(result, home)


@pytest.mark.parametrize("url", ["//", "ftp://", "http://[", "http://x:y"])
def test_a_url_that_cannot_be_one_is_not_quoted(
    pvt: Pvt, home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url.replace("//", f"//me:{PASSWORD}@"))
    pvt.ok("add", "greet", "Greet me.")

    result = pvt("run", "greet")

    assert result.code == 2, result.err
    require_clean(result, home)


def test_a_key_that_cannot_be_one_is_not_quoted(
    pvt: Pvt, home: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\N{RIGHT DOUBLE QUOTATION MARK}")
    pvt.ok("add", "greet", "Greet me.")

    result = pvt("run", "greet")

    assert result.code == 2
    assert model_server.requests == []
    require_clean(result, home)
