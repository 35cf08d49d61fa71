"""The commands, settings, files and health checks in examples/deploy exist."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from promptvault.cli.program import load
from promptvault.errors import InvalidInputError
from promptvault.server.billing.webhook import EVENTS
from promptvault.server.postgres import database_choice
from promptvault.server.settings import Settings
from tests.server.conftest import SECRET, Server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
PREFIX = "PROMPTVAULT_SERVER_"
README = (DEPLOY / "README.md").read_text()
EXAMPLE = (DEPLOY / "server.env.example").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
INSTRUCTIONS = {
    *("FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE"),
    *("HEALTHCHECK", "ENTRYPOINT", "CMD"),
}


def _dockerfile() -> list[tuple[str, str]]:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    rows = [line.partition(" ") for line in lines if line and line[0] != "#"]
    return [(name, rest) for name, _, rest in rows]


def _last(instruction: str) -> str:
    """Return the arguments of the last *instruction* of the Dockerfile."""
    return [rest for name, rest in _dockerfile() if name == instruction][-1]


def _unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / "promptvault.service")
    return unit


def _command_lines() -> Iterator[list[str]]:
    """Yield each command line of the program in the folder."""
    yield json.loads(_last("CMD"))
    yield shlex.split(_unit()["Service"]["ExecStart"])[1:]
    yield from (
        each["command"] for each in COMPOSE["services"].values() if "command" in each
    )
    told = re.findall(r"(?:promptvault|migrate|as_server) (server [^&\n`]+)", README)
    yield from map(shlex.split, told)


def _understand(name: str, *words: str) -> None:
    """Parse a command line without running it; raises the parser's error."""
    command: Any = load(name)
    rest = [*words]
    while hasattr(command, "get_command"):  # a group; Typer has a click of its own
        command = command.get_command(command.context_class(command), rest.pop(0))
        assert command is not None, words
    command.make_context(name, rest)


@pytest.mark.parametrize("words", [*_command_lines()], ids=" ".join)
def test_the_program_understands_each_command(words: list[str]) -> None:
    _understand(*words)


@pytest.mark.parametrize("line", ["serve --threads 2", "server restored --force"])
def test_what_it_does_not_understand_shows(line: str) -> None:
    with pytest.raises(Exception, match="No such option"):
        _understand(*line.split())


def test_every_setting_is_in_the_help_and_no_other() -> None:
    table = (ROOT / "promptvault" / "help" / "server-settings.md").read_text()
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", table, re.MULTILINE)
    named = re.findall(r"[A-Z_]+", "".join(rows))
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_every_setting_that_is_abbreviated_is_one() -> None:
    named = set(re.findall(r"`…([A-Z_]+)`", README))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_event_of_stripe_is_listed_and_no_other() -> None:
    listed = README.partition("Events for step 6: ")[2].partition("\n\n")[0]
    assert {*re.findall(r"`([a-z_.]+)`", listed)} == EVENTS


def test_every_variable_is_a_setting() -> None:
    texts = [path.read_text() for path in DEPLOY.iterdir()]
    named = set(re.findall(rf"{PREFIX}(\w+)", "\n".join(texts)))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_the_example_of_settings_is_good_once_it_is_filled_in(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    for name, value in pairs.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInputError, match="SECRET"):
        database_choice.read_settings(None)
    monkeypatch.setenv(f"{PREFIX}SECRET", SECRET)
    settings = database_choice.read_settings(None)
    assert settings.has_https
    assert settings.address == pairs["DATABASE_URL"]


def test_the_dockerfile_copies_what_is_there_and_drops_its_rights() -> None:
    rows = _dockerfile()
    assert {name for name, _ in rows} <= INSTRUCTIONS
    for name, rest in rows:
        if name == "COPY" and not rest.startswith("--from=build "):
            assert all((ROOT / source).exists() for source in rest.split()[:-1])
    assert _last("USER").split(":")[0] not in {"0", "root"}
    assert json.loads(_last("ENTRYPOINT")) == ["promptvault"]
    serving = json.loads(_last("CMD"))
    assert serving[serving.index("--port") + 1] == _last("EXPOSE")


def test_the_health_check_recognizes_a_server_that_is_ready(server: Server) -> None:
    _python, *words = json.loads(_last("HEALTHCHECK").partition("CMD ")[2])
    assert _last("EXPOSE") in words[1]
    address = f"http://127.0.0.1:{_last('EXPOSE')}"
    check = [sys.executable, words[0], words[1].replace(address, server.url)]
    assert subprocess.run(check, check=False).returncode == 0
    wrong = [*check[:2], check[2].replace("/readyz", "/nothing")]
    done = subprocess.run(wrong, check=False, capture_output=True)
    assert done.returncode != 0


def test_the_services_wait_for_each_other() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert service.get("depends_on", {}).keys() <= services.keys()
    assert "healthcheck" in services["postgres"]
    (volume,) = services["postgres"]["volumes"]
    assert volume.partition(":")[0] in COMPOSE["volumes"]
    build = services["server"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(
        DEPLOY / "Dockerfile"
    )
    assert services["server"]["env_file"] == "server.env"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "promptvault.service"
    text = (DEPLOY / "promptvault.service").read_text()
    program = shutil.which("true")
    assert program is not None
    unit.write_text(text.replace("/opt/promptvault/bin/promptvault", program))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
