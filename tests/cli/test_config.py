"""`config` and API keys: what is shown, stored, and sent to which server."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvault.credentials import store_credential
from tests.conftest import Process, Pvt, Result
from tests.model_server import ModelServer, Status
from tests.terminal_kit import on_a_terminal

KEY, SECRET = "ai.api_key", "sk-secret-of-the-test"


@pytest.fixture
def shown(pvt: Pvt) -> Iterator[list[Result]]:
    """Collect what was printed; a key may not be in it."""
    results: list[Result] = []
    yield results
    for result in results:
        assert SECRET not in result.text + result.err


def place(pvt: Pvt) -> tuple[str, str]:
    """Return how a key is shown, and where it comes from."""
    row = pvt.ok("config", "get", KEY, "--json").json
    assert row["is_set"] == (row["from"] != "default")
    return row["value"], row["from"]


class TestKeys:
    def test_from_every_place_they_are_hidden(
        self,
        pvt: Pvt,
        home: Path,
        shown: list[Result],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def show() -> str:
            shown.extend(
                pvt.ok("config", *arguments)
                for arguments in (["get", KEY], ["list"], ["list", "--json"])
            )
            value, origin = place(pvt)
            assert value == ("" if origin == "default" else "(hidden)")
            return origin

        assert show() == "default"
        shown.append(pvt.ok("config", "set", KEY, stdin=f"{SECRET}\n".encode()))
        assert show() == "credentials"
        (home / "config.toml").write_text(f'[ai]\napi_key = "{SECRET}"\n')
        assert show() == "file"
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        assert show() == "environment"
        monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}\n{SECRET}")
        refused = pvt("config", "list")
        shown.append(refused)
        assert (refused.code, "OPENAI_API_KEY" in refused.err) == (2, True)
        pvt.ok("add", "tea", "Make tea.")  # which needs no key

    def test_set_and_unset_leave_none_in_the_file(self, pvt: Pvt, home: Path) -> None:
        home.mkdir()
        file = home / "config.toml"
        file.write_text('# mine\n[ai]\napi_key = "sk-by-hand"\n')
        pvt.ok("config", "set", KEY, stdin=SECRET.encode())
        assert file.read_text() == "# mine\n[ai]\n"
        assert place(pvt) == ("(hidden)", "credentials")
        file.write_text('[ai]\napi_key = "sk-by-hand"\n')
        pvt.ok("config", "set", KEY, "--unset")
        assert place(pvt) == ("", "default")

    def test_given_as_an_argument_it_is_taken_with_a_word_of_warning(
        self, pvt: Pvt, shown: list[Result]
    ) -> None:
        shown.append(pvt.ok("config", "set", KEY, SECRET))
        assert "history" in shown[0].err
        assert place(pvt) == ("(hidden)", "credentials")

    def test_a_dash_is_the_pipe_and_no_key(
        self, pvt: Pvt, home: Path, shown: list[Result]
    ) -> None:
        result = pvt.ok("config", "set", KEY, "-", stdin=SECRET.encode())
        shown.append(result)
        assert "history" not in result.err
        assert (home / "credentials" / KEY).read_text() == SECRET

    def test_the_environment_that_comes_first_is_named(
        self, pvt: Pvt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
        result = pvt.ok("config", "set", KEY, stdin=SECRET.encode())
        assert "environment" in result.err

    @pytest.mark.parametrize(
        "stdin",
        [b"", b" \n", f"{SECRET} {SECRET}".encode(), "schlüssel".encode(), b"\xff\xfe"],
    )
    def test_what_is_no_key_is_refused(
        self, pvt: Pvt, home: Path, shown: list[Result], stdin: bytes
    ) -> None:
        shown.append(pvt("config", "set", KEY, stdin=stdin))
        assert shown[0].code == 2
        assert place(pvt) == ("", "default")

    def test_a_byte_order_mark_is_no_part_of_it(self, pvt: Pvt, home: Path) -> None:
        """Editors on Windows put a byte order mark first."""
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_bytes(b'\xef\xbb\xbfeditor = "nano"\n')
        assert pvt.ok("config", "get", "editor").text == "nano\n"
        pvt.ok("config", "set", "pager", "less")
        assert pvt.ok("config", "get", "editor").text == "nano\n"

    def test_set_prints_the_setting_as_json(self, pvt: Pvt) -> None:
        row = pvt.ok("config", "set", "--json", "editor", "nano").json
        assert row == pvt.ok("config", "get", "editor", "--json").json
        assert (row["value"], row["from"]) == ("nano", "file")

    def test_a_file_that_cannot_be_read_keeps_no_key(
        self, pvt: Pvt, home: Path
    ) -> None:
        home.mkdir()
        (home / "config.toml").write_text("[[[")
        assert pvt("config", "set", KEY, stdin=SECRET.encode()).code == 2
        assert not (home / "credentials").exists()

    def test_on_a_terminal_it_is_asked_for_unseen(
        self, pvt_process: Process, home: Path
    ) -> None:
        command = pvt_process.command("config", "set", KEY)
        code, seen = on_a_terminal(command, (b": ", f"{SECRET}\n".encode()))
        assert code == 0, seen
        assert KEY in seen
        assert SECRET not in seen
        assert (home / "credentials" / KEY).read_text() == SECRET

    def test_ctrl_c_while_asked(self, pvt_process: Process, home: Path) -> None:
        command = pvt_process.command("config", "set", KEY)
        code, _ = on_a_terminal(command, (b": ", b"\x03"))
        assert code == 130
        assert not (home / "credentials").exists()


class TestUrls:
    def test_a_password_is_not_shown(self, pvt: Pvt, shown: list[Result]) -> None:
        url = f"https://user:{SECRET}@host.example/v1"
        shown.append(pvt.ok("config", "set", "ai.base_url", url))
        shown.append(pvt.ok("config", "get", "ai.base_url"))
        shown.append(pvt.ok("config", "list", "--json"))
        assert shown[1].text == "https://(hidden)@host.example/v1\n"

    def test_a_bad_one_is_not_quoted(
        self, pvt: Pvt, shown: list[Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", f"https://user:{SECRET}@host:port/v1")
        shown.append(pvt("config", "get", "ai.base_url"))
        assert (shown[0].code, "OPENAI_BASE_URL" in shown[0].err) == (2, True)


class TestSent:
    """The server that receives each key, as the server sees it."""

    @pytest.fixture(autouse=True)
    def _prepare(
        self,
        pvt: Pvt,
        model_server: ModelServer,
        no_retries: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.delenv("OPENAI_API_KEY")
        pvt.ok("add", "tea", "Make tea.")

    def test_which_key_wins(
        self,
        pvt: Pvt,
        home: Path,
        model_server: ModelServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def sent(*options: str) -> str:
            pvt.ok("run", "tea", "--no-cache", *options)
            return _key_of(model_server)

        assert sent() == "none"  # the client's placeholder, since it requires some key
        store_credential(home / "credentials", KEY, "sk-kept")
        assert sent() == "sk-kept"
        (home / "config.toml").write_text('[ai]\napi_key = "sk-file"\n')
        assert sent() == "sk-file"
        monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
        assert sent() == "sk-openai"
        monkeypatch.setenv("PROMPTVAULT_AI_API_KEY", "sk-own")
        assert sent() == "sk-own"
        assert sent("--api-key", "sk-flag") == "sk-flag"
        assert sent("--api-key", " ") == "sk-own"

    def test_which_server_wins(
        self,
        pvt: Pvt,
        home: Path,
        model_server: ModelServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        down = "http://127.0.0.1:9/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", down)
        assert pvt("run", "tea").code == 6
        monkeypatch.setenv("PROMPTVAULT_AI_BASE_URL", model_server.url)
        pvt.ok("run", "tea", "--no-cache")
        assert pvt("run", "tea", "--no-cache", "--base-url", down).code == 6
        monkeypatch.delenv("OPENAI_BASE_URL")
        monkeypatch.delenv("PROMPTVAULT_AI_BASE_URL")
        pvt.ok("config", "set", "ai.base_url", model_server.url + "/")
        pvt.ok("run", "tea", "--no-cache")
        monkeypatch.setenv("OPENAI_BASE_URL", down)
        assert pvt("run", "tea", "--no-cache").code == 6

    def test_the_fallback_on_another_server_gets_its_own_key_only(
        self, pvt: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:9/v1")
        monkeypatch.setenv("PROMPTVAULT_AI_FALLBACK_BASE_URL", model_server.url)
        pvt.ok("run", "tea")
        assert _key_of(model_server) == "none"
        monkeypatch.setenv("PROMPTVAULT_AI_FALLBACK_API_KEY", "sk-second")
        pvt.ok("run", "tea", "--no-cache")
        assert _key_of(model_server) == "sk-second"
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.delenv("PROMPTVAULT_AI_FALLBACK_API_KEY")
        pvt.ok("run", "tea", "--no-cache")
        assert _key_of(model_server) == "none"

    def test_another_model_of_the_same_server_gets_its_key(
        self, pvt: Pvt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
        monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "0")
        monkeypatch.setenv("PROMPTVAULT_AI_FALLBACK_MODEL", "other-model")
        model_server.script(Status(500))
        pvt.ok("run", "tea")
        assert model_server.requests[-1].body["model"] == "other-model"
        assert _key_of(model_server) == "sk-first"

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--api-key", "sk-é"),
            ("--api-key", f"{SECRET}\n{SECRET}"),
            ("--base-url", f"https://u:{SECRET}@host:port"),
            ("--base-url", "localhost:11434"),
            ("--budget", "nan"),
            ("--budget", "inf"),
            ("--budget", "-1"),
            ("--budget", "abc"),
        ],
    )
    def test_a_bad_option(
        self,
        pvt: Pvt,
        model_server: ModelServer,
        shown: list[Result],
        option: str,
        value: str,
    ) -> None:
        shown.append(pvt("run", "tea", option, value))
        assert (shown[0].code, option in shown[0].err) == (2, True)
        assert model_server.requests == []

    def test_a_key_on_an_open_line_is_told(self, pvt: Pvt) -> None:
        url = "http://192.0.2.1/v1"
        told = pvt.ok("run", "tea", "--dry-run", "--base-url", url, "--api-key", SECRET)
        assert "192.0.2.1" in told.err.splitlines()[0]
        silent = pvt.ok("run", "tea", "--dry-run", "--base-url", url)
        assert "http://" not in silent.err


class TestProjects:
    """A project's folder may come from a stranger."""

    @pytest.fixture
    def project(self, pvt: Pvt, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return the settings of a project that names a server, with a prompt."""
        monkeypatch.delenv("PROMPTVAULT_HOME")
        folder = Path(".promptvault").absolute()
        folder.mkdir()
        pvt.ok("add", "tea", "Make tea.")
        file = folder / "config.toml"
        file.write_text('[ai]\nbase_url = "https://stranger.example/v1"\n')
        return file

    @pytest.mark.parametrize("name", ["OPENAI_API_KEY", "PROMPTVAULT_AI_API_KEY"])
    def test_its_server_gets_no_key_of_the_environment(
        self, pvt: Pvt, project: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, SECRET)
        result = pvt("run", "tea", "--dry-run", "--json")
        assert (result.code, result.error["code"]) == (4, "forbidden")
        assert "stranger.example" in result.error["message"]
        own = "https://mine.example/v1"
        pvt.ok("run", "tea", "--dry-run", "--base-url", own)
        monkeypatch.setenv("OPENAI_BASE_URL", own)
        pvt.ok("run", "tea", "--dry-run")

    def test_nor_does_its_fallback(
        self, pvt: Pvt, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.write_text('[ai]\nfallback_base_url = "https://stranger.example"\n')
        monkeypatch.setenv("PROMPTVAULT_AI_FALLBACK_API_KEY", SECRET)
        assert pvt("run", "tea", "--dry-run").code == 4

    def test_it_may_have_a_key_of_its_own(
        self, pvt: Pvt, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        pvt.ok("config", "set", KEY, stdin=b"sk-project")
        pvt.ok("run", "tea", "--dry-run")

    def test_where_it_names_none_all_is_as_ever(
        self,
        pvt: Pvt,
        project: Path,
        model_server: ModelServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        project.write_text("")
        pvt.ok("run", "tea")
        assert _key_of(model_server) == "key-of-the-test"


def _key_of(server: ModelServer) -> str:
    sent = {name.lower(): v for name, v in server.requests[-1].headers.items()}
    return sent["authorization"].removeprefix("Bearer ")


def test_path_names_every_place(pvt: Pvt, home: Path) -> None:
    paths = pvt.ok("config", "path", "--json").json
    assert {"activity", "responses", "credentials", "log"} <= paths.keys()
    assert all(Path(path).is_relative_to(home) for path in paths.values())


def test_two_processes_store_two_keys(pvt: Pvt, pvt_process: Process) -> None:
    names = [KEY, "ai.fallback_api_key"]
    running = [
        subprocess.Popen(
            pvt_process.command("config", "set", name, SECRET),
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    assert [process.wait() for process in running] == [0, 0]
    for name in names:
        assert pvt.ok("config", "get", name, "--json").json["from"] == "credentials"
