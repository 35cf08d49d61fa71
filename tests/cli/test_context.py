"""Commands if the working directory was removed, or a file replaces the vault."""

from pathlib import Path

import pytest

from tests.conftest import Pvt

READING = ("get a", "get a --raw", "list", "list --plain", "search text", "show a")


@pytest.fixture
def gone(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory that has been removed."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("quickly", [True, False])
def test_a_removed_folder_does_not_matter_if_the_home_is_absolute(
    quickly: bool,
) -> None:
    run = Pvt(quickly=quickly)
    run.ok("add", "a", "The text.")
    assert all(run.ok(*command.split()).text.strip() for command in READING)


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("quickly", [True, False])
@pytest.mark.parametrize("chosen", ["", "vault"])
def test_without_an_absolute_home_the_folder_is_missed(
    monkeypatch: pytest.MonkeyPatch, chosen: str, quickly: bool
) -> None:
    monkeypatch.setenv("PROMPTVAULT_HOME", chosen)
    result = Pvt(quickly=quickly)("get", "a")
    assert (result.code, result.out) == (3, b"")
    assert "The folder you are in is no longer there." in result.err


@pytest.mark.parametrize("quickly", [True, False])
@pytest.mark.parametrize("place", ["home", "data"])
def test_a_file_in_place_of_the_vault_is_the_same_error_everywhere(
    home: Path, place: str, quickly: bool
) -> None:
    file = {"home": home, "data": home / "data"}[place]
    file.parent.mkdir(exist_ok=True)
    file.write_text("a file")
    run = Pvt(quickly=quickly)
    results = [run(*line.split()) for line in (*READING, "add a b", "doctor")]
    assert {(result.code, result.out) for result in results} == {(7, b"")}
    (message,) = {result.err for result in results}
    assert f"There can be no vault in {home / 'data'}" in message
