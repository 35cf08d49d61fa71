"""`cache` and `spending`: cached answers, what they saved, and what others cost."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.domain.timestamp import to_text
from promptvault.vault.activity.database import open_activity
from tests.conftest import Pvt
from tests.model_server import MODEL, ModelServer


@pytest.fixture
def priced(pvt: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Pvt:
    """Return the program with a prompt, and a model that costs $1 a token."""
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_INPUT", "1e6")
    monkeypatch.setenv("PROMPTVAULT_AI_PRICE_OUTPUT", "1e6")
    pvt.ok("add", "tea", "Make tea.")
    return pvt


class TestCache:
    def test_stats_and_clear(
        self, priced: Pvt, home: Path, model_server: ModelServer
    ) -> None:
        for _ in range(3):
            priced.ok("run", "tea")
        assert len(model_server.requests) == 1
        stats = priced.ok("cache", "stats", "--json").json
        assert stats == {
            "answers": 1,
            "bytes": stats["bytes"],
            "uses": 2,
            "saved_usd": 60.0,  # 20 tokens sent and 10 received, twice
            "path": str(home / "cache" / "responses.db"),
        }
        assert stats["bytes"] > 0
        shown = dict(line.split("\t") for line in priced.ok("cache", "stats").lines)
        assert (shown["answers"], shown["saved"]) == ("1", "$60.00")
        assert priced.ok("cache", "clear", "--json").json == {"cleared": 1}
        assert priced.ok("cache", "stats", "--json").json["answers"] == 0
        priced.ok("run", "tea")
        assert len(model_server.requests) == 2
        result = priced.ok("cache", "clear")
        assert (result.out, "1 answer." in result.err) == (b"", True)

    def test_nothing_was_ever_kept(self, pvt: Pvt, home: Path) -> None:
        assert pvt.ok("cache", "stats", "--json").json["answers"] == 0
        assert pvt.ok("cache", "clear", "--json").json == {"cleared": 0}
        assert not (home / "cache").exists()

    def test_a_damaged_file_is_as_empty_and_goes(self, priced: Pvt, home: Path) -> None:
        priced.ok("run", "tea")
        file = home / "cache" / "responses.db"
        for path in file.parent.glob("responses.db-*"):
            path.unlink()
        file.write_bytes(b"rubbish" * 1000)
        assert priced.ok("cache", "stats", "--json").json["answers"] == 0
        assert priced.ok("cache", "clear", "--json").json == {"cleared": 0}
        priced.ok("run", "tea")
        assert priced.ok("cache", "stats", "--json").json["answers"] == 1


class TestSpending:
    def test_by_command_and_model(
        self, priced: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        priced.ok("run", "tea")
        priced.ok("run", "tea")  # from the cache, which costs nothing
        priced.ok("run", "tea", "--model", "other", "--no-cache")
        priced.ok("run", "tea", "--model", "other", "--no-cache")
        row = priced.ok("spending", "--json").json
        assert row["month"] == to_text(datetime.now(UTC))[:7]
        assert (row["spent_usd"], row["budget_usd"], row["left_usd"]) == (
            90,
            None,
            None,
        )
        assert row["expenses"] == [
            {
                "command": "run",
                "model": model,
                "requests": requests,
                "input_tokens": 20 * requests,
                "output_tokens": 10 * requests,
                "cost_usd": 30.0 * requests,
            }
            for model, requests in (("other", 2), (MODEL, 1))
        ]
        monkeypatch.setenv("PROMPTVAULT_AI_BUDGET_USD", "100")
        assert priced.ok("spending", "--json").json["left_usd"] == 10
        monkeypatch.setenv("PROMPTVAULT_AI_BUDGET_USD", "50")
        assert priced.ok("spending", "--json").json["left_usd"] == 0
        result = priced.ok("spending")
        assert result.lines[0].split("\t") == [
            "run",
            "other",
            "2",
            "40",
            "20",
            "$60.00",
        ]
        assert "$90.00 of $50: $0 left" in result.err

    def test_other_months_are_not_in_it(self, priced: Pvt, home: Path) -> None:
        priced.ok("run", "tea")
        with open_activity(home / "data" / "activity.db") as connection:
            connection.execute("UPDATE requests SET month = '2020-01'")
        row = priced.ok("spending", "--json").json
        assert (row["spent_usd"], row["expenses"]) == (0, [])

    def test_nothing_was_ever_asked(self, pvt: Pvt, home: Path) -> None:
        assert pvt.ok("spending", "--json").json["expenses"] == []
        assert "0 requests" in pvt.ok("spending").err
        assert not home.exists()

    def test_a_damaged_record_is_told(self, pvt: Pvt, home: Path) -> None:
        (home / "data").mkdir(parents=True)
        (home / "data" / "activity.db").write_bytes(b"rubbish" * 1000)
        result = pvt("spending")
        assert (result.code, "doctor" in result.err) == (7, True)
