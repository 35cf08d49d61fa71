"""The examples of services in `help import` are well-formed, and run a real command."""

import configparser
import plistlib
import re
import shlex
from pathlib import Path

from tests.conftest import Pvt

_HELP = Path(__file__).parents[2] / "promptvault" / "help" / "import.md"
_TEXT = _HELP.read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the only block of code in *language*."""
    (found,) = re.findall(
        rf"^```{language}\n(.*?)^```$", _TEXT, re.DOTALL | re.MULTILINE
    )
    return str(found)


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(block("ini"))
    return parser


def test_unit_and_property_list_run_the_same_command(pvt: Pvt) -> None:
    started = shlex.split(unit()["Service"]["ExecStart"])
    listed = plistlib.loads(block("xml").encode())["ProgramArguments"]
    assert started[1:] == listed[1:]
    # The options are read before this one is refused.
    refused = pvt(*started[1:], "--dry-run")
    assert refused.code == 2
    assert "leave out --watch" in refused.err


def test_unit_is_started_with_the_session() -> None:
    assert unit()["Install"]["WantedBy"] == "default.target"
