"""The values of `-p`: errors name the mistake, and files have a size limit."""

from pathlib import Path

import pytest

from promptvault.domain.prompt import MAX_BODY_CHARACTERS
from tests.conftest import Pvt


@pytest.fixture
def standup(pvt: Pvt) -> Pvt:
    """Return the program with a template."""
    pvt.ok("add", "standup", "In a {{ tone }} tone.", "--template")
    return pvt


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        ("=x", "-p takes KEY=VALUE; '=x' has no name."),
        ("tone", "-p takes KEY=VALUE; 'tone' has no value."),
        ("tone=@", "There is no file name after '@'."),
        ("tone=@missing", "missing cannot be read: No such file or directory."),
    ],
)
def test_a_mistake_is_named(standup: Pvt, pair: str, reason: str) -> None:
    result = standup("get", "standup", "-p", pair)
    assert (result.code, result.out) == (2, b"")
    assert reason in result.err


@pytest.mark.parametrize("option", ["-p", "--file"])
def test_a_file_without_an_end_is_refused(standup: Pvt, option: str) -> None:
    arguments = {
        "-p": ("get", "standup", "-p", "tone=@/dev/zero"),
        "--file": ("add", "zeros", "--file", "/dev/zero"),
    }
    result = standup(*arguments[option])
    assert (result.code, result.out) == (2, b"")
    assert "/dev/zero is longer than 64 MiB" in result.err


def test_a_file_may_be_as_long_as_a_text(standup: Pvt, tmp_path: Path) -> None:
    file = tmp_path / "long"
    with file.open("wb") as opened:
        opened.truncate(MAX_BODY_CHARACTERS)
    assert (
        len(standup.ok("get", "standup", "-p", f"tone=@{file}").out)
        > file.stat().st_size
    )
