"""`run` and `runs`: streamed answers, and their log."""

import contextlib
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_prompts import require_error
from tests.conftest import Process, Pvt
from tests.contracts.test_start_up import loaded_by
from tests.model_server import MODEL, Cut, ModelServer, Status, Text
from tests.terminal_kit import on_a_terminal

HEAVY = {
    *("fastapi", "git", "jinja2", "jsonschema", "keyring", "prompt_toolkit"),
    *("rapidfuzz", "rich", "sqlalchemy", "sqlmodel", "textual", "tomlkit"),
}
KEY = "AK" + "IA" + "QWERTYUIOPASDFGH"
PIPE = subprocess.PIPE
LONG_PAUSE = 30.0
"""Seconds that no test waits for."""


@pytest.fixture(autouse=True)
def filled(pvt: Pvt, no_retries: None) -> None:
    """Save prompts."""
    pvt.ok("add", "x/review", "Review.")
    pvt.ok("add", "x/review", "Review well.", "--upsert")
    pvt.ok("add", "ask", "Ask {{ who }}.", "--template")


def sent(server: ModelServer) -> list[tuple[str, str]]:
    """Return the messages of the last request."""
    messages = server.requests[-1].body["messages"]
    return [(message["role"], message["content"]) for message in messages]


def logged(pvt: Pvt) -> list[Any]:
    """Return the run log."""
    rows = pvt.ok("runs", "--json").json
    assert isinstance(rows, list)
    return rows


class TestAnswer:
    def test_it_goes_to_stdout_byte_for_byte(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        text = "Grüße\r\n\t\x1b[31m🙂 end"
        model_server.script(Text(text, pieces=list(text)))
        result = pvt.ok("run", "review")
        assert (result.out, result.err) == (text.encode(), "")
        assert sent(model_server) == [("user", "Review well.")]
        assert "temperature" not in model_server.requests[0].body

    def test_the_version_asked_for_is_sent(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        pvt.ok("run", "x/review@1")
        assert sent(model_server) == [("user", "Review.")]
        pvt.ok("run", "ask", "-p", "who=them")
        assert sent(model_server) == [("user", "Ask them.")]

    def test_a_pipe_and_a_system_message(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        pvt.ok("run", "review", stdin=b"code")
        assert sent(model_server) == [("system", "Review well."), ("user", "code")]
        pvt.ok("run", "review", "--system", "ask", "-p", "who=me", stdin=b"code")
        user = ("user", "Review well.\n\ncode")
        assert sent(model_server) == [("system", "Ask me."), user]
        pvt.ok("run", "review", "--no-stdin", stdin=b"code")
        assert sent(model_server) == [("user", "Review well.")]

    def test_a_large_pipe(self, pvt: Pvt, model_server: ModelServer) -> None:
        pvt.ok("run", "review", stdin=b"code\n" * 2_000_000)
        assert len(sent(model_server)[1][1]) == 10_000_000

    def test_options_reach_the_server(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        options = ("--model", "other", "--temperature", "0.5", "--max-tokens", "7")
        pvt.ok("run", "review", *options)
        body = model_server.requests[0].body
        assert (body["model"], body["temperature"]) == ("other", 0.5)
        assert body["max_tokens"] == 7
        assert body["stream"] is True
        pvt.ok("run", "review", "--no-stream")
        assert model_server.requests[-1].body["stream"] is True

    def test_json(self, pvt: Pvt, model_server: ModelServer) -> None:
        model_server.script(Text("It is ü.", usage=(12, 34)))
        row = pvt.ok("run", "review", "--json").json
        assert row["seconds"] >= row.pop("first_seconds") > 0
        assert row | {"seconds": 0, "prompt_id": "", "version_id": ""} == {
            "id": 1,
            "name": "x/review",
            "prompt_id": "",
            "version": 2,
            "version_id": "",
            "system_version_id": None,
            "created_at": row["created_at"],
            "status": "done",
            "error": None,
            "model": MODEL,
            "endpoint": model_server.url,
            "cached": False,
            "cut": False,
            "input_tokens": 12,
            "output_tokens": 34,
            "tokens_estimated": False,
            "cost_usd": 0,
            "seconds": 0,
            "text": "It is ü.",
        }
        assert model_server.requests[0].body["stream"] is True

    def test_the_second_time_it_comes_from_the_cache(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        pvt.ok("run", "review")
        again = pvt.ok("run", "review")
        assert again.text == "Hello from the model."
        assert "--no-cache asks again" in again.err
        assert len(model_server.requests) == 1
        pvt.ok("run", "review", "--no-cache")
        assert len(model_server.requests) == 2
        rows = [(r["cached"], r["cost_usd"], r["status"]) for r in logged(pvt)]
        assert rows == [(False, 0, "done"), (True, 0, "done"), (False, 0, "done")]

    def test_a_cut_answer_is_told(self, pvt: Pvt, model_server: ModelServer) -> None:
        model_server.script(Text("So far", finish="length", usage=(20, 7)))
        result = pvt.ok("run", "review", "--max-tokens", "7")
        assert result.text == "So far"
        assert "reached the 7 tokens of --max-tokens" in result.err
        assert result.err.startswith("\n")  # it does not run into the answer
        assert logged(pvt)[0]["cut"] is True

    def test_the_use_is_counted(self, pvt: Pvt, model_server: ModelServer) -> None:
        pvt.ok("run", "review")
        assert pvt.ok("show", "review", "--json").json["uses"] == 1

    def test_a_dry_run_sends_and_logs_nothing(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        result = pvt.ok("run", "review", "--dry-run", stdin=b"code")
        assert "Review well." in result.text
        plan = pvt.ok("run", "review", "--dry-run", "--max-tokens", "9", "--json").json
        assert plan["messages"] == [[{"role": "user", "content": "Review well."}]]
        assert plan["output_tokens"] == 9
        assert model_server.requests == logged(pvt) == []
        assert pvt.ok("show", "review", "--json").json["uses"] == 0


class TestRefusal:
    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ("none", 3),
            ("review@9", 3),
            ("review --system none", 3),
            ("review -p a=b", 2),
            ("ask", 2),
            ("ask -p who", 2),
            ("review --temperature nan", 2),
            ("review --temperature 3", 2),
            ("review --max-tokens 0", 2),
            ("review --base-url nowhere", 2),
        ],
    )
    def test_nothing_is_sent(
        self, pvt: Pvt, model_server: ModelServer, arguments: str, code: int
    ) -> None:
        require_error(pvt("run", *arguments.split()), code)
        assert model_server.requests == logged(pvt) == []

    def test_a_pipe_that_is_no_text(self, pvt: Pvt, model_server: ModelServer) -> None:
        require_error(pvt("run", "review", stdin=b"\xff"), 2)
        assert model_server.requests == []

    def test_secrets_stay_here_unless_allowed(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        refused = require_error(pvt("run", "review", stdin=KEY.encode()), 4)
        assert "--allow-secrets" in refused
        assert KEY not in refused
        assert model_server.requests == []
        pvt.ok("run", "review", "--allow-secrets", stdin=KEY.encode())
        assert sent(model_server)[1] == ("user", KEY)

    def test_without_a_key_there_is_nobody_to_ask(self, pvt: Pvt) -> None:
        assert "OPENAI_API_KEY" in require_error(pvt("run", "review"), 6)

    def test_the_budget_stops_it(self, pvt: Pvt, model_server: ModelServer) -> None:
        options = ("--budget", "0.0001", "--model", "gpt-4o", "--max-tokens", "9999")
        require_error(pvt("run", "review", *options), 10)
        assert model_server.requests == []
        row = logged(pvt)[0]
        assert (row["status"], row["error"]) == ("failed", "rate_limited")


class TestFailure:
    def test_a_failed_run_is_logged_by_its_code(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        model_server.script(Status(401, error={"message": "sk-key is no good"}))
        require_error(pvt("run", "review"), 4)
        row = logged(pvt)[0]
        assert (row["status"], row["error"]) == ("failed", "unauthenticated")
        assert (row["input_tokens"], row["cost_usd"]) == (0, None)
        assert pvt.ok("show", "review", "--json").json["uses"] == 0

    def test_an_error_for_a_script(self, pvt: Pvt, model_server: ModelServer) -> None:
        model_server.script(Status(500))
        result = pvt("run", "review", "--json")
        assert (result.code, result.out) == (6, b"")
        assert result.error["code"] == "unavailable"

    def test_what_came_of_a_cut_stream_is_kept(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        model_server.script(Cut(["half ", "an answer"]))
        result = pvt("run", "review")
        assert (result.code, result.out) == (6, b"half an answer")
        row = logged(pvt)[0]
        assert (row["status"], row["error"]) == ("broken", "unavailable")
        assert row["tokens_estimated"] is True
        assert pvt.ok("runs", "--id", str(row["id"])).text == "half an answer"

    @pytest.mark.parametrize("options", [(), ("--no-stream",)])
    def test_without_a_log_the_answer_still_comes(
        self, pvt: Pvt, model_server: ModelServer, home: Path, options: tuple[str, ...]
    ) -> None:
        (home / "data" / "activity.db").mkdir()
        result = pvt.ok("run", "review", *options)
        assert result.text == "Hello from the model."
        assert "not in the run log" in result.err
        assert pvt.ok("run", "review", "--json").json["id"] is None

    def test_a_full_disk_under_stdout(
        self, pvt: Pvt, pvt_process: Process, model_server: ModelServer
    ) -> None:
        with open("/dev/full", "wb") as full:
            command = pvt_process.command("run", "review")
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE
            )
        assert done.returncode == 6
        assert b"cannot be written" in done.stderr
        assert logged(pvt)[0]["status"] == "broken"


def respond_to_sigint() -> None:
    """Restore signals that a test run in the background inherits as ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def started(
    pvt_process: Process, *arguments: str, stdin: int = PIPE, stdout: int = PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program; kill it if it does not end."""
    with subprocess.Popen(
        pvt_process.command(*arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=PIPE,
        preexec_fn=respond_to_sigint,
    ) as process:
        try:
            yield process
            process.wait(20)
        finally:
            process.kill()


class _Held(list[str]):
    """Pieces; the server sends one, and the others when the test allows it."""

    def __init__(self, pieces: list[str]) -> None:
        super().__init__(pieces)
        self.go_on = threading.Event()

    def __iter__(self) -> Iterator[str]:
        first, *others = super().__iter__()
        yield first
        self.go_on.wait(LONG_PAUSE)
        yield from others


class TestStreams:
    def test_ctrl_c_keeps_what_came(
        self, pvt: Pvt, pvt_process: Process, model_server: ModelServer
    ) -> None:
        model_server.script(Text("", pieces=["one ", "two"], pause=LONG_PAUSE))
        arguments = ("run", "review", "--no-stdin")
        with started(pvt_process, *arguments) as process:
            assert process.stdout
            # It was shown before the next piece was sent: no buffer holds it back.
            assert process.stdout.read(4) == b"one "
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=20)
        assert (process.returncode, out, errors) == (130, b"", b"")
        row = logged(pvt)[0]
        assert (row["status"], row["error"]) == ("interrupted", None)
        assert pvt.ok("runs", "--id", "1").text == "one "
        assert pvt.ok("show", "review", "--json").json["uses"] == 1

    def test_ctrl_c_before_anything_came(
        self, pvt: Pvt, pvt_process: Process, model_server: ModelServer
    ) -> None:
        asked = os.pipe()

        def answer(_: object) -> Text:
            os.write(asked[1], b"!")
            return Text("late", delay=LONG_PAUSE)

        model_server.answer = answer
        with started(pvt_process, "run", "review", "--no-stdin") as process:
            os.read(asked[0], 1)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=20)
        assert (process.returncode, out, errors) == (130, b"", b"")
        assert logged(pvt)[0]["status"] == "interrupted"

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_a_reader_that_has_enough(
        self,
        pvt: Pvt,
        pvt_process: Process,
        model_server: ModelServer,
        monkeypatch: pytest.MonkeyPatch,
        unbuffered: str,
    ) -> None:
        monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
        pieces = _Held(["one\n", "two\n", "three\n"])
        model_server.script(Text("", pieces=pieces))
        with started(pvt_process, "run", "review", "--no-stdin") as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline() == b"one\n"
            process.stdout.close()
            pieces.go_on.set()
            assert process.stderr.read() == b""
        assert process.returncode == 0
        assert logged(pvt)[0]["status"] == "interrupted"
        assert pvt.ok("runs", "--id", "1").text.startswith("one\n")

    def test_it_says_that_it_waits_for_a_pipe(
        self, pvt_process: Process, model_server: ModelServer
    ) -> None:
        with started(pvt_process, "run", "review") as process:
            assert process.stderr
            assert b"Waiting for stdin" in process.stderr.readline()
            out, _ = process.communicate(b"late", timeout=20)
        assert (process.returncode, out) == (0, b"Hello from the model.")
        assert sent(model_server)[1] == ("user", "late")

    def test_a_stdin_that_cannot_be_read(
        self, pvt_process: Process, model_server: ModelServer
    ) -> None:
        unreadable = os.open(os.devnull, os.O_WRONLY)  # as nohup does
        with started(pvt_process, "run", "review", stdin=unreadable) as process:
            out, _ = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, b"Hello from the model.")

    def test_on_a_terminal_lines_end_and_nothing_is_obeyed(
        self, pvt_process: Process, model_server: ModelServer
    ) -> None:
        model_server.script(Text("\x1b[31mred\x07"))
        screen, terminal = pty.openpty()
        with started(
            pvt_process, "run", "review", stdin=terminal, stdout=terminal
        ) as process:
            _, errors = process.communicate(timeout=20)
        assert os.read(screen, 1000).decode() == "\\x1b[31mred\\x07\r\n"
        assert "20 + 10 tokens" in errors.decode()

    def test_on_a_terminal_a_plan_is_not_obeyed(
        self, pvt_process: Process, model_server: ModelServer
    ) -> None:
        command = pvt_process.command("run", "ask", "-p", "who=\x07me", "--dry-run")
        assert "Ask \\x07me." in on_a_terminal(command)[1]


class TestLog:
    def test_newest_first_with_the_names_of_today(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        pvt.ok("run", "review@1")
        pvt.ok("run", "review")
        pvt.ok("run", "ask", "-p", "who=me", "--json")
        pvt.ok("move", "x/review", "y/check")
        names = [(row["name"], row["version"]) for row in logged(pvt)]
        assert names == [("ask", 1), ("y/check", 2), ("y/check", 1)]
        lines = [line.split("\t") for line in pvt.ok("runs", "check").lines]
        assert [line[2] for line in lines] == ["y/check@2", "y/check@1"]
        assert lines[0][3:6] == [MODEL, "done", "30"]
        assert [row["id"] for row in pvt.ok("runs", "check@1", "--json").json] == [1]
        assert [row["id"] for row in pvt.ok("runs", "--jsonl").jsonl] == [3, 2, 1]
        assert [row["id"] for row in pvt.ok("runs", "--json", "--limit", "1").json] == [
            3
        ]

    def test_a_prompt_that_is_gone(self, pvt: Pvt, model_server: ModelServer) -> None:
        pvt.ok("run", "review")
        prompt_id = logged(pvt)[0]["prompt_id"]
        pvt.ok("delete", "review")
        row = logged(pvt)[0]
        assert (row["name"], row["prompt_id"]) == (None, prompt_id)
        assert f"{prompt_id}@2" in pvt.ok("runs").text
        require_error(pvt("runs", "review"), 3)
        pvt.ok("trash", "empty", "--yes")
        assert logged(pvt) == []

    def test_one_run_whole(self, pvt: Pvt, model_server: ModelServer) -> None:
        text = "a\r\nb\0 ü\x1b[0m"
        model_server.script(Text(text))
        pvt.ok("run", "review")
        assert pvt.ok("runs", "--id", "1").out == text.encode()
        row = pvt.ok("runs", "--id", "1", "--json").json
        assert row.pop("text") == text
        assert [row] == logged(pvt)

    def test_one_run_of_which_nothing_came(
        self, pvt: Pvt, model_server: ModelServer
    ) -> None:
        model_server.answer = lambda _: Status(401)
        assert pvt("run", "review").code == 4
        result = pvt.ok("runs", "--id", "1")
        assert result.out == b""
        assert "Run 1 has no answer (unauthenticated)." in result.err

    def test_a_run_stays_on_one_line_of_a_narrow_terminal(
        self,
        pvt: Pvt,
        pvt_process: Process,
        monkeypatch: pytest.MonkeyPatch,
        model_server: ModelServer,
    ) -> None:
        pvt.ok("run", "review")
        pvt.ok("run", "review")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "80")
        code, narrow = on_a_terminal(pvt_process.command("runs"))
        assert code == 0
        assert "Tokens" not in narrow
        lines = [line for line in narrow.splitlines() if "x/review@2" in line]
        assert [MODEL[:6] in line for line in lines] == [True, True]
        monkeypatch.setenv("COLUMNS", "130")
        assert "Tokens" in on_a_terminal(pvt_process.command("runs"))[1]

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ("none", 3),
            ("review@9", 3),
            ("--id 1", 3),
            ("--id 0", 2),
            ("--id 99999999999999999999", 2),
            ("review --id 1", 2),
        ],
    )
    def test_what_is_not_there(self, pvt: Pvt, arguments: str, code: int) -> None:
        require_error(pvt("runs", *arguments.split()), code)

    def test_nothing_yet(self, pvt: Pvt) -> None:
        assert pvt.ok("runs").out == b""
        assert pvt.ok("runs", "--json").json == []
        assert pvt.ok("runs", "review", "--jsonl").out == b""

    def test_it_holds_no_key_and_no_value(
        self, pvt: Pvt, model_server: ModelServer, home: Path
    ) -> None:
        pvt.ok("run", "ask", "-p", "who=a-private-value", "--api-key", "a-private-key")
        for path in home.rglob("*"):
            if path.is_file():
                assert b"a-private" not in path.read_bytes(), path


def test_it_starts_without_the_heavy_libraries(model_server: ModelServer) -> None:
    anew = loaded_by("run", "review", output="Hello")
    assert "openai" in anew
    assert anew & HEAVY == set()
    cached = loaded_by("run", "review", output="Hello")
    assert cached & {*HEAVY, "openai", "pydantic", "genai_prices"} == set()
    assert loaded_by("runs", output="x/review@2") & {*HEAVY, "openai"} == set()
