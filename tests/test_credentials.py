"""Secrets stay where they are stored, whatever the system's keyring does."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from promptvault.config import SettingSource
from promptvault.credentials import (
    delete_credential,
    find_credential,
    find_credential_source,
    store_credential,
)
from promptvault.errors import UnavailableError
from tests import keyrings
from tests.conftest import Process

ROOT = Path(__file__).parents[1]
NAME, SECRET = "ai.api_key", "sk-secret-of-the-test"

Choose = Callable[[str], None]


@pytest.fixture
def keyring(pvt_process: Process, monkeypatch: pytest.MonkeyPatch) -> Choose:
    """Return a function that chooses the keyring of later processes."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(keyrings.STORE, str(Path("keyring.json").absolute()))

    def choose(name: str) -> None:
        backend = name if "." in name else f"tests.keyrings.{name}"
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)

    return choose


@pytest.fixture
def folder(home: Path) -> Path:
    """Return the folder of the secrets."""
    return home / "credentials"


def held() -> dict[str, str]:
    """Return the entries of the working keyring."""
    place = Path("keyring.json")
    values: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    return values


def where(pvt: Process) -> str:
    """Return the place of the key by the program, which must not show the key."""
    result = pvt("config", "list", "--json")
    assert SECRET not in result.text + result.err
    return str(next(row["from"] for row in result.json if row["key"] == NAME))


class TestKeyring:
    def test_takes_the_secret(
        self, pvt_process: Process, keyring: Choose, folder: Path
    ) -> None:
        keyring("Working")
        result = pvt_process("config", "set", NAME, stdin=f"{SECRET}\n".encode())
        assert (result.code, result.out) == (0, b"")
        assert "keyring" in result.err
        assert where(pvt_process) == "keyring"
        assert list(held().values()) == [SECRET]
        assert (folder / NAME).read_bytes() == b""
        assert pvt_process("config", "set", NAME, "--unset").code == 0
        assert where(pvt_process) == "default"
        assert (held(), list(folder.iterdir())) == ({}, [])

    @pytest.mark.parametrize(
        "backend",
        [
            "Locked",
            "Hanging",
            "keyring.backends.null.Keyring",
            "keyring.backends.fail.Keyring",
            "tests.absent.Keyring",
        ],
    )
    def test_that_takes_nothing_leaves_it_to_a_private_file(
        self, pvt_process: Process, keyring: Choose, folder: Path, backend: str
    ) -> None:
        keyring(backend)
        result = pvt_process("config", "set", NAME, stdin=SECRET.encode())
        assert result.code == 0, result.err
        assert where(pvt_process) == "credentials"
        assert (folder / NAME).read_text() == SECRET
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert pvt_process("config", "set", NAME, "--unset").code == 0
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("backend", ["Locked", "Hanging"])
    def test_that_keeps_it_to_itself_is_named_as_the_reason(
        self, pvt_process: Process, keyring: Choose, folder: Path, backend: str
    ) -> None:
        keyring("Working")
        pvt_process("config", "set", NAME, stdin=SECRET.encode())
        keyring(backend)
        pvt_process("add", "tea", "Make tea.")
        result = pvt_process("run", "tea")
        assert result.code == 6
        assert "keyring" in result.err
        assert pvt_process("config", "set", NAME, "--unset").code == 6
        assert list(held().values()) == [SECRET]
        keyring("Working")
        assert where(pvt_process) == "keyring"

    def test_a_newer_secret_wins_over_one_in_the_keyring(
        self, pvt_process: Process, keyring: Choose, folder: Path
    ) -> None:
        keyring("Working")
        pvt_process("config", "set", NAME, stdin=b"sk-old")
        keyring("Locked")
        pvt_process("config", "set", NAME, stdin=SECRET.encode())
        keyring("Working")
        assert where(pvt_process) == "credentials"
        assert (folder / NAME).read_text() == SECRET

    def test_what_was_deleted_by_hand_is_no_error(
        self, pvt_process: Process, keyring: Choose
    ) -> None:
        keyring("Working")
        pvt_process("config", "set", NAME, stdin=SECRET.encode())
        Path("keyring.json").unlink()
        assert pvt_process("config", "set", NAME, "--unset").code == 0
        assert where(pvt_process) == "default"

    def test_each_vault_has_its_own(
        self, pvt_process: Process, keyring: Choose, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keyring("Working")
        pvt_process("config", "set", NAME, stdin=SECRET.encode())
        monkeypatch.setenv("PROMPTVAULT_HOME", str(Path("other").absolute()))
        assert where(pvt_process) == "default"
        pvt_process("config", "set", NAME, stdin=b"sk-other")
        assert sorted(held().values()) == ["sk-other", SECRET]

    def test_that_hangs_is_asked_once(self, keyring: Choose, folder: Path) -> None:
        keyring("Hanging")
        code = (
            "import sys, threading\n"
            "from pathlib import Path\n"
            "from promptvault.credentials import store_credential\n"
            "for n in range(3): store_credential(Path(sys.argv[1]), f'n{n}', 'x')\n"
            "print(threading.active_count())\n"
        )
        command = [sys.executable, "-c", code, str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout == "2\n"  # this one, and the one that hangs
        assert [find_credential(folder, f"n{n}") for n in range(3)] == ["x"] * 3

    def test_is_not_asked_for_what_it_has_not(
        self, pvt_process: Process, keyring: Choose, folder: Path
    ) -> None:
        keyring("Hanging")
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from promptvault.credentials import find_credential\n"
            "print(find_credential(Path(sys.argv[1]), 'x'), 'keyring' in sys.modules)\n"
        )
        command = [sys.executable, "-c", code, str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout == "None False\n"


class TestPrivateFiles:
    def test_what_others_can_read_is_closed(self, folder: Path) -> None:
        store_credential(folder, NAME, SECRET)
        folder.chmod(0o755)
        (folder / NAME).chmod(0o644)
        assert find_credential(folder, NAME) == SECRET
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
        store_credential(folder, "sync.token", "t")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    @pytest.mark.parametrize(
        "name", ["sync.token@https://a.example/x", "a b", "é/../x"]
    )
    def test_any_name_is_a_file_in_the_folder(self, folder: Path, name: str) -> None:
        assert store_credential(folder, name, SECRET) is SettingSource.CREDENTIALS
        assert find_credential(folder, name) == SECRET
        assert [path.parent for path in folder.rglob("*")] == [folder]
        delete_credential(folder, name)
        assert find_credential_source(folder, name) is None

    def test_forgetting_what_is_not_there(self, folder: Path) -> None:
        delete_credential(folder, NAME)
        assert find_credential(folder, NAME) is None

    def test_many_at_once(self, folder: Path) -> None:
        names = [f"key-{n}" for n in range(40)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: store_credential(folder, name, name), names * 3))
        assert [find_credential(folder, name) for name in names] == names
        assert len(list(folder.iterdir())) == len(names)

    @pytest.mark.parametrize("content", [b"\xff\xfe", None])
    def test_what_cannot_be_read_is_told_without_it(
        self, folder: Path, content: bytes | None
    ) -> None:
        folder.mkdir(parents=True)
        if content is None:
            (folder / NAME).mkdir()
        else:
            (folder / NAME).write_bytes(content)
        with pytest.raises(UnavailableError, match="cannot be used"):
            find_credential(folder, NAME)

    def test_a_folder_that_cannot_be_made(self, home: Path, folder: Path) -> None:
        home.mkdir()
        folder.write_text("in the way")
        with pytest.raises(UnavailableError, match="cannot be used"):
            store_credential(folder, NAME, SECRET)
