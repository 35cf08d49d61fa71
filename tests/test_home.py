"""The folders in use: chosen, a project's, or the platform's."""

import os
from pathlib import Path

import platformdirs
import pytest

from promptvault.home import find_folders
from promptvault.paths import Paths, resolve


def test_the_chosen_home_comes_first(tmp_path: Path) -> None:
    (tmp_path / ".promptvault").mkdir()
    chosen = {"PROMPTVAULT_HOME": "here"}
    found = find_folders(chosen, lambda: str(tmp_path))
    home = tmp_path / "here"
    names = ("data", "cache", "state")
    assert found == (str(home), *(str(home / name) for name in names))


def _gone() -> str:
    raise FileNotFoundError


def test_an_absolute_home_needs_no_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_folders({"PROMPTVAULT_HOME": "/vault"}, _gone)[0] == "/vault"
    monkeypatch.setenv("HOME", str(tmp_path))
    config, *_ = find_folders({"PROMPTVAULT_HOME": "~/vault"}, _gone)
    assert config == str(tmp_path / "vault")


def test_a_project_is_found_from_below(tmp_path: Path) -> None:
    (tmp_path / ".promptvault").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    config, data, *_ = find_folders({"HOME": "/nowhere"}, lambda: str(below))
    assert config == str(tmp_path / ".promptvault")
    assert data == str(tmp_path / ".promptvault" / "data")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"},
        {"XDG_CACHE_HOME": "/e/", "XDG_STATE_HOME": "/f"},
        {"XDG_DATA_HOME": "", "XDG_STATE_HOME": "not/absolute"},
        {"XDG_DATA_HOME": "~/data"},
        {"HOME": "/home/with space/"},
        {"HOME": "relative"},
        {"HOME": ""},
    ],
)
def test_the_platforms_folders_are_those_of_platformdirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    dirs = platformdirs.PlatformDirs("promptvault", appauthor=False)
    assert resolve(os.environ, lambda: str(tmp_path)) == Paths(
        dirs.user_config_path,
        dirs.user_data_path,
        dirs.user_cache_path,
        dirs.user_state_path,
    )
