"""The program's entry: standard streams, and commands without a subcommand."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Process, Pvt


@pytest.fixture(autouse=True)
def filled(pvt: Pvt) -> None:
    """Save a prompt."""
    pvt.ok("add", "a", "x")


def with_streams(
    streams: str, command: list[str]
) -> "subprocess.CompletedProcess[bytes]":
    """Run *command* with *streams*, as a shell would."""
    script = ["sh", "-c", f'exec "$@" {streams}', "sh", *command]
    return subprocess.run(script, capture_output=True, check=False, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no full device")
@pytest.mark.parametrize("command", ["list", "get a", "show a", "log a", "runs --json"])
def test_output_that_has_no_room(pvt_process: Process, command: str) -> None:
    done = with_streams(">/dev/full", pvt_process.command(*command.split()))
    assert done.returncode == 6
    assert b"The output cannot be written" in done.stderr
    assert (b'{"error":' in done.stderr) is ("--json" in command)


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(pvt_process: Process, streams: str) -> None:
    """The exit code is the same; only lost data is an error."""
    lost = 6 if ">&-" in streams.replace("2>&-", "") else 0
    assert with_streams(streams, pvt_process.command("get", "a")).returncode == lost
    assert with_streams(streams, pvt_process.command("list")).returncode == lost
    assert with_streams(streams, pvt_process.command("get", "none")).returncode == 3
    assert with_streams(streams, pvt_process.command("add", "b", "y")).returncode == 0
    assert pvt_process("get", "b").out == b"y"


@pytest.mark.parametrize("command", ["devices", "server", "server user", "conflicts"])
def test_a_command_without_its_word_shows_the_help_alone(
    pvt: Pvt, command: str
) -> None:
    result = pvt(*command.split())
    assert (result.code, result.err) == (2, "")
    assert f"{command} [OPTIONS] COMMAND" in result.text


def test_a_word_that_is_unknown_is_told(pvt: Pvt) -> None:
    result = pvt("devices", "lst")
    assert (result.code, result.text) == (2, "")
    assert "Did you mean 'list'? Try '" in result.err
