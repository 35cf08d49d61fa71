"""What a terminal shows of an answer besides its text: tokens, thoughts, a refusal."""

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from unittest import mock

import pytest

from promptvault.cli import answer_display
from promptvault.cli.answer_display import AnswerDisplay
from tests.conftest import Pvt
from tests.model_server import ModelServer, Status, Text

KEY = "key-of-the-test"


class Screen(io.StringIO):
    """A terminal in place of stderr."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def drawing() -> Iterator[Screen]:
    """Draw each count, and yield what is drawn."""
    with (
        mock.patch.object(answer_display, "_EVERY", 0),
        contextlib.redirect_stderr(Screen()) as screen,
    ):
        yield screen


def test_the_tokens_of_answers_at_the_same_time_are_one_count() -> None:
    with drawing() as screen:
        display = AnswerDisplay()
        with display.follow() as first, display.follow() as second:
            first(1_000)
            second(234)
        with display.follow() as third:
            third(5)
    counts = ["1,000 tokens…", "1,234 tokens…", "", "5 tokens…", ""]
    assert screen.getvalue() == "".join(f"\r{count}\x1b[K" for count in counts)


def test_threads_count_together() -> None:
    def count(add: Callable[[int], None]) -> None:
        for _ in range(200):
            add(1)

    with drawing() as screen, AnswerDisplay().follow() as add:
        threads = [threading.Thread(target=count, args=(add,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "\r800 tokens…" in screen.getvalue()


def test_no_count_where_a_bar_is_drawn() -> None:
    with drawing() as screen, AnswerDisplay(shows_tokens=False).follow() as count:
        count(100)
    assert screen.getvalue() == ""


def test_the_count_is_gone_before_the_answer() -> None:
    with drawing() as screen:
        display = AnswerDisplay()
        with display.follow() as count:
            count(1)
            display.begin_answer()
            count(1)
    assert screen.getvalue() == "\r1 tokens…\x1b[K\r\x1b[K"


@pytest.fixture
def hello(pvt: Pvt, no_retries: None) -> Pvt:
    """Return the program, with a prompt."""
    pvt.ok("add", "hello", "Say hello.")
    return pvt


def test_thoughts_are_shown_on_request(hello: Pvt, model_server: ModelServer) -> None:
    answer = Text("<think>Shall I greet?</think>Hello.")
    model_server.script(answer, answer)
    silent = hello.ok("run", "hello")
    assert (silent.text, silent.err) == ("Hello.", "")
    shown = hello.ok("run", "hello", "--thinking", "--no-cache")
    assert shown.text == "Hello."
    assert shown.err == "Shall I greet?\n\n"
    assert hello.ok("runs", "--id", "1").text == "Hello."


def test_a_refusal_in_the_words_of_the_server(
    hello: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = f"Budget of {KEY} is used up, pal"
    model_server.answer = lambda _: Status(400, error={"message": words})
    assert "pal" not in hello("run", "hello").err
    monkeypatch.setenv("PROMPTVAULT_DEBUG", "1")
    result = hello("run", "hello")
    assert "is used up, pal" in result.err
    assert KEY not in result.err
    assert result.out == b""
