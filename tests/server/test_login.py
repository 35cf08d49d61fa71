"""`login`, `logout`, `whoami`, `devices`, with a real server."""

import json
import os
import pty
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from promptvault.client.address import parse_address
from promptvault.client.client import connect
from promptvault.errors import (
    AuthenticationError,
    PermissionDeniedError,
    UnavailableError,
)
from promptvault.server.admin import Admin
from promptvault.services.sync.login import sign_in_by_browser
from promptvault.wire.device_code import DeviceCodeRead
from tests.client.stub import Reply, Stub
from tests.conftest import Process, Pvt, Result
from tests.server.conftest import EMAIL, Server

Change = Callable[[str], None]


@pytest.fixture
def change(database_url: str) -> Change:
    """Return a function that changes the database while the server runs."""

    def run(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(statement)

    return run


APPROVE = "UPDATE device_codes SET status = 'approved', user_id = users.id FROM users"


@pytest.fixture
def signed_in(pvt: Pvt, server: Server, token: str) -> Pvt:
    """Return the program, signed in by a machine's token."""
    pvt.ok("login", "--server", server.url, "--token", "-", stdin=token.encode())
    return pvt


def silent(result: Result, *secrets: str) -> Result:
    """Return a result that contains none of the secrets."""
    assert [each for each in secrets if each in result.text + result.err] == []
    return result


def error(result: Result) -> dict[str, str]:
    """Return the error of a command; the server's log is in the same stream."""
    rows = [json.loads(line) for line in result.err.splitlines()]
    (found,) = [row["error"] for row in rows if row.keys() == {"error"}]
    return dict(found)


class TestToken:
    def test_signs_a_machine_in(
        self, pvt: Pvt, server: Server, token: str, home: Path
    ) -> None:
        command = ("login", "--server", server.url, "--token", "-", "--json")
        result = silent(pvt.ok(*command, stdin=f"{token}\n".encode()), token)
        assert (result.json["email"], result.json["server"]) == (EMAIL, server.url)
        assert "only you can read" in result.err
        (kept,) = (home / "credentials").iterdir()
        assert (kept.read_text(), kept.stat().st_mode & 0o777) == (token, 0o600)
        assert token not in (home / "config.toml").read_text()
        shown = pvt.ok("whoami", "--json").json
        assert shown == result.json | {"hosted": None}

    def test_can_be_an_argument(self, pvt: Pvt, server: Server, token: str) -> None:
        result = pvt.ok("login", "--server", server.url, "--token", token)
        assert "history" in silent(result, token).err
        assert EMAIL in result.err
        assert result.text == ""

    def test_has_the_rights_that_it_was_made_with(
        self, pvt: Pvt, server: Server, token: str
    ) -> None:
        command = ("login", "--server", server.url, "--token", "-", "--manage")
        result = silent(pvt(*command, stdin=token.encode()), token)
        assert (result.code, result.text) == (2, "")
        assert "--manage" in result.err

    @pytest.mark.parametrize(
        ("given", "code"),
        [("pv_pat_made-up", 4), ("two words", 2), ("", 2), ("ключ", 2)],
    )
    def test_must_be_good(
        self, pvt: Pvt, server: Server, home: Path, given: str, code: int
    ) -> None:
        result = pvt(
            "login", "--server", server.url, "--token", "-", stdin=given.encode()
        )
        assert (result.code, result.text) == (code, "")
        assert not given or given not in result.err
        assert not (home / "credentials").exists()
        assert pvt("whoami").code == 4

    def test_goes_to_the_server_that_it_is_for(
        self, signed_in: Pvt, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thief = Stub(Reply(401))
        monkeypatch.setenv("PROMPTVAULT_SYNC_SERVER", thief.url)
        assert signed_in("whoami").code == 4
        assert signed_in.ok("logout").text == ""
        thief.stop()
        assert thief.asked == []
        monkeypatch.delenv("PROMPTVAULT_SYNC_SERVER")
        assert EMAIL in signed_in.ok("whoami").text

    def test_reports_that_the_environment_comes_first(
        self, pvt: Pvt, server: Server, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PROMPTVAULT_SYNC_SERVER", "https://sync.example.org")
        command = ("login", "--server", server.url, "--token", "-")
        result = pvt.ok(*command, stdin=token.encode())
        assert "PROMPTVAULT_SYNC_SERVER names another server" in result.err


class TestServer:
    @pytest.mark.parametrize(
        ("command", "code", "word"),
        [
            ("login", 2, "invalid_input"),
            ("logout", 4, "unauthenticated"),
            ("whoami", 4, "unauthenticated"),
            ("devices list", 4, "unauthenticated"),
            ("devices revoke a", 4, "unauthenticated"),
        ],
    )
    def test_must_be_named(self, pvt: Pvt, command: str, code: int, word: str) -> None:
        result = pvt(*command.split(), "--json")
        assert (result.code, error(result)["code"]) == (code, word)
        assert "login --server" in error(result)["message"]

    @pytest.mark.parametrize("command", ["whoami", "devices list", "devices revoke a"])
    def test_must_be_signed_in_to(self, pvt: Pvt, server: Server, command: str) -> None:
        pvt.ok("config", "set", "sync.server", server.url)
        result = pvt(*command.split(), "--json")
        assert (result.code, error(result)["code"]) == (4, "unauthenticated")

    def test_must_not_get_the_token_unencrypted(self, pvt: Pvt, token: str) -> None:
        command = ("login", "--server", "http://sync.example.org", "--token", "-")
        result = silent(pvt(*command, stdin=token.encode()), token)
        assert result.code == 2
        assert "--insecure" in result.err

    def test_may_be_unencrypted_for_who_says_so(self, pvt: Pvt, token: str) -> None:
        where = ("--server", "http://nowhere.invalid", "--insecure")
        result = silent(
            pvt("login", *where, "--token", "-", stdin=token.encode()), token
        )
        assert result.code == 6  # it was requested, and does not exist
        pvt.ok("config", "set", "sync.server", "http://nowhere.invalid")
        assert pvt("whoami").code == 2

    def test_is_something_else(self, pvt: Pvt, token: str, home: Path) -> None:
        stub = Stub(Reply(body=b"<html>Hello</html>"))
        result = pvt(
            "login", "--server", stub.url, "--token", "-", stdin=token.encode()
        )
        assert (silent(result, token).code, result.text) == (6, "")
        assert pvt("login", "--server", stub.url).code == 6
        stub.stop()
        assert not (home / "credentials").exists()

    @pytest.mark.parametrize("options", [(), ("--token", "abc")])
    def test_has_no_such_page(
        self, pvt: Pvt, server: Server, home: Path, options: tuple[str, ...]
    ) -> None:
        url = f"{server.url}/v1"
        result = pvt("login", "--server", url, *options, "--json")
        assert result.code == 6
        message = json.loads(result.err.splitlines()[-1])["error"]["message"]
        assert f"no PromptVault server at {url}" in message
        assert not (home / "credentials").exists()

    def test_writes_to_a_terminal_what_it_must_not(self, pvt: Pvt) -> None:
        body = {"error": {"code": "forbidden", "message": "\x1b]0;evil\x07No."}}
        stub = Stub(Reply(403, json.dumps(body).encode()))
        result = pvt("login", "--server", stub.url, "--token", "abc")
        stub.stop()
        assert (result.code, "\x1b" in result.err) == (4, False)


class TestWhoami:
    def test_shows_the_plan(self, signed_in: Pvt, server: Server) -> None:
        lines = dict(line.split("\t") for line in signed_in.ok("whoami").lines)
        assert lines["account"] == EMAIL
        assert (lines["tier"], lines["prompts"]) == ("free", "0 of 50")
        assert lines["server"] == server.url

    @pytest.mark.parametrize(("kept", "code"), [("{}\n", 0), ("a b", 4), ("ключ", 4)])
    def test_with_a_file_that_was_edited(
        self, signed_in: Pvt, token: str, home: Path, kept: str, code: int
    ) -> None:
        (file,) = (home / "credentials").iterdir()
        file.write_text(kept.format(token))
        assert silent(signed_in("whoami"), token).code == code
        assert signed_in.ok("logout", "--json").json["is_revoked"] is (code == 0)

    def test_of_a_token_that_has_ended(self, signed_in: Pvt, change: Change) -> None:
        change("UPDATE tokens SET revoked_at = now()")
        result = signed_in("whoami", "--json")
        assert (result.code, error(result)["code"]) == (4, "unauthenticated")
        assert "sign in again" in error(result)["message"]

    def test_without_the_server(self, signed_in: Pvt, token: str) -> None:
        signed_in.ok("config", "set", "sync.server", closed_port())
        assert signed_in("whoami").code == 4  # and nothing was sent to it


def closed_port() -> str:
    """Return a URL at which no server listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


class TestLogout:
    def test_ends_the_token(
        self, signed_in: Pvt, server: Server, token: str, home: Path
    ) -> None:
        result = silent(signed_in.ok("logout", "--json"), token)
        assert result.json == {
            "server": server.url,
            "was_signed_in": True,
            "is_revoked": True,
        }
        assert list((home / "credentials").iterdir()) == []
        with server.client(token) as client:
            assert client.get("/v1/me").status_code == 401
        assert signed_in.ok("logout", "--json").json["was_signed_in"] is False

    def test_of_a_token_that_has_ended(self, signed_in: Pvt, change: Change) -> None:
        change("UPDATE tokens SET revoked_at = now()")
        assert signed_in.ok("logout", "--json").json["is_revoked"] is True

    def test_without_the_server(
        self, signed_in: Pvt, server: Server, token: str, home: Path
    ) -> None:
        server.stop()
        result = silent(signed_in.ok("logout"), token)
        assert "signed out here, but the token was not revoked" in result.err
        assert list((home / "credentials").iterdir()) == []

    def test_everywhere(self, signed_in: Pvt, server: Server, admin: Admin) -> None:
        other = admin.issue_token(EMAIL, "other")
        signed_in.ok("logout", "--all")
        with server.client(other) as client:
            assert client.get("/v1/me").status_code == 401

    def test_everywhere_without_the_server(
        self, signed_in: Pvt, server: Server, home: Path
    ) -> None:
        server.stop()
        result = signed_in("logout", "--all", "--json")
        assert (result.code, error(result)["code"]) == (6, "unavailable")
        assert list((home / "credentials").iterdir()) == []


class TestDevices:
    def test_are_listed_and_signed_out(
        self, signed_in: Pvt, server: Server, admin: Admin
    ) -> None:
        other = admin.issue_token(EMAIL, "build")
        rows = {r["label"]: r for r in signed_in.ok("devices", "list", "--json").json}
        assert rows["test"]["is_current"]
        assert rows["build"]["created_at"].endswith("Z")
        lines = signed_in.ok("devices", "list").lines
        assert [line.split("\t")[1] for line in lines] == ["test (this one)", "build"]
        assert rows["test"]["id"].startswith(lines[0].split("\t")[0])
        ended = signed_in.ok("devices", "revoke", rows["build"]["id"], "--json").json
        assert ended["label"] == "build"
        with server.client(other) as client:
            assert client.get("/v1/me").status_code == 401
        assert signed_in("devices", "revoke", rows["build"]["id"]).code == 3

    def test_the_start_of_an_id_is_enough(
        self, signed_in: Pvt, home: Path, admin: Admin
    ) -> None:
        admin.issue_token(EMAIL, "build")
        rows = {r["label"]: r for r in signed_in.ok("devices", "list", "--json").json}
        assert signed_in("devices", "revoke", "").code == 2
        signed_in.ok("devices", "revoke", rows["build"]["id"][:13].upper())
        signed_in.ok("devices", "revoke", rows["test"]["id"])
        assert list((home / "credentials").iterdir()) == []
        assert signed_in("whoami").code == 4


class TestBrowser:
    @pytest.fixture
    def sign_in(self, server: Server) -> Callable[..., str]:
        """Return a function that signs in and calls `act` in each pause."""

        def run(act: Callable[[float], None]) -> str:
            with connect(parse_address(server.url)) as client:
                return sign_in_by_browser(
                    client, "laptop", "Linux", show=self.shown.append, sleep=act
                )

        self.shown: list[DeviceCodeRead] = []
        return run

    @pytest.mark.usefixtures("token")
    def test_the_right_to_manage_is_asked_for(
        self, server: Server, change: Change
    ) -> None:
        manage = APPROVE.replace("SET", "SET may_manage = wants_manage,")
        for wanted in (False, True):
            with connect(parse_address(server.url)) as client:
                token = sign_in_by_browser(
                    client,
                    "laptop",
                    "Linux",
                    manage=wanted,
                    show=lambda _: None,
                    sleep=lambda _: change(manage),
                )
            with connect(parse_address(server.url), token) as client:
                assert client.me().manages is wanted

    def test_a_server_without_teams_is_reported_before_a_code_is_shown(self) -> None:
        code = {
            **dict.fromkeys(("device_code", "user_code", "verification_uri"), "x"),
            "verification_uri_complete": "x",
            "expires_in": 600,
            "interval": 5,
        }
        older = Stub(Reply(200, json.dumps(code).encode()))
        shown: list[DeviceCodeRead] = []
        with (
            connect(parse_address(older.url)) as client,
            pytest.raises(UnavailableError, match="no teams"),
        ):
            sign_in_by_browser(client, "a", "b", manage=True, show=shown.append)
        older.stop()
        assert shown == []

    @pytest.mark.usefixtures("token")
    def test_a_device_is_approved(
        self, sign_in: Callable[..., str], server: Server, change: Change
    ) -> None:
        found = sign_in(lambda _: change(APPROVE))
        assert self.shown[0].user_code in self.shown[0].verification_uri_complete
        with server.client(found) as client:
            assert client.get("/v1/me").json()["device"]["label"] == "laptop"

    @pytest.mark.usefixtures("token")
    def test_it_polls_less_often_if_asked_to(
        self, sign_in: Callable[..., str], change: Change
    ) -> None:
        pauses: list[float] = []

        def act(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                change(APPROVE)

        assert sign_in(act).startswith("pv_pat_")
        assert pauses == [5, 5, 10]  # the second request came too early

    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("UPDATE device_codes SET status = 'denied'", PermissionDeniedError),
            ("UPDATE device_codes SET expires_at = now()", AuthenticationError),
            ("DELETE FROM device_codes", UnavailableError),
        ],
    )
    def test_it_is_not_approved(
        self,
        sign_in: Callable[..., str],
        change: Change,
        statement: str,
        kind: type[Exception],
    ) -> None:
        with pytest.raises(kind):
            sign_in(lambda _: change(statement))

    def test_the_wait_has_an_end(self) -> None:
        code = {
            "device_code": "abc",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://sync.example.org/device",
            "verification_uri_complete": "https://sync.example.org/device",
            "expires_in": 12,
            "interval": 0,
        }
        stub = Stub(
            Reply(body=json.dumps(code).encode()),
            Reply(503, b""),
            Reply(400, b'{"error": "authorization_pending"}'),
        )
        pauses: list[float] = []
        with (
            connect(parse_address(stub.url)) as client,
            pytest.raises(AuthenticationError, match="expired"),
        ):
            sign_in_by_browser(client, "a", "b", show=print, sleep=pauses.append)
        stub.stop()
        assert pauses == [1] * (12 + 30)  # an approval may have come at the end

    def test_the_server_goes_away(self, server: Server) -> None:
        pauses: list[float] = []

        def act(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                server.stop()

        with (
            connect(parse_address(server.url)) as client,
            pytest.raises(UnavailableError),
        ):
            sign_in_by_browser(client, "a", "b", show=lambda _: None, sleep=act)
        assert len(pauses) == 5


class TestTerminal:
    """The whole program, on a terminal, with a browser."""

    @pytest.fixture
    def browser(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return the file into which a browser writes the URLs that it opens."""
        script, opened = tmp_path / "browser", tmp_path / "opened"
        script.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
        script.chmod(0o700)
        monkeypatch.setenv("BROWSER", str(script))
        return opened

    @pytest.fixture
    def start(
        self, pvt_process: Process, server: Server
    ) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
        """Return a function that starts `login` on the terminal `self.screen`."""
        self.screen, terminal = pty.openpty()
        running: list[subprocess.Popen[bytes]] = []

        def run(*options: str) -> subprocess.Popen[bytes]:
            command = pvt_process.command("login", "--server", server.url, *options)
            running.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=terminal,
                )
            )
            return running[-1]

        yield run
        for each in running:
            each.kill()
            each.wait()
        os.close(terminal)
        os.close(self.screen)

    def read_until(self, word: str) -> str:
        """Return the screen once it shows *word*."""
        text = ""
        while word not in text:
            text += os.read(self.screen, 4096).decode()
        return text

    @pytest.mark.usefixtures("token")
    def test_a_device_is_approved_in_the_browser(
        self,
        start: Callable[..., subprocess.Popen[bytes]],
        browser: Path,
        change: Change,
        home: Path,
        server: Server,
    ) -> None:
        process = start("--json")
        text = self.read_until("Waiting")
        assert f"Open {server.url}/device and enter" in text
        change(APPROVE)
        out, _ = process.communicate()
        assert process.returncode == 0
        assert json.loads(out)["device"]["label"]
        assert "user_code=" in browser.read_text()
        (kept,) = (home / "credentials").iterdir()
        assert (
            kept.read_text() not in text + self.read_until("in a file") + out.decode()
        )

    @pytest.fixture
    def device_token(self, pvt: Pvt, server: Server, change: Change) -> str:
        """Return the token of the program after a sign-in with the browser."""
        with connect(parse_address(server.url)) as client:
            token = sign_in_by_browser(
                client, "a", "b", show=lambda _: change(APPROVE), sleep=lambda _: None
            )
        command = ("login", "--server", server.url, "--token", "-")
        pvt.ok(*command, stdin=token.encode())
        return token

    def sign_in_again(
        self, start: Callable[..., subprocess.Popen[bytes]], change: Change
    ) -> None:
        """Sign in with the browser, from the beginning to the end."""
        process = start("--no-browser")
        self.read_until("Waiting")
        change(APPROVE)
        process.communicate()
        assert process.returncode == 0

    @pytest.mark.usefixtures("token")
    def test_who_signs_in_again_leaves_no_other_device_behind(
        self,
        device_token: str,
        start: Callable[..., subprocess.Popen[bytes]],
        change: Change,
        home: Path,
        server: Server,
        pvt: Pvt,
    ) -> None:
        self.sign_in_again(start, change)
        (kept,) = (home / "credentials").iterdir()
        assert kept.read_text() != device_token
        with server.client(device_token) as client:
            assert client.get("/v1/me").status_code == 401
        rows = pvt.ok("devices", "list", "--json").json
        assert [row["is_current"] for row in rows if not row["is_machine"]] == [True]

    def test_a_machines_token_outlives_who_signs_in_by_the_browser(
        self,
        signed_in: Pvt,
        start: Callable[..., subprocess.Popen[bytes]],
        change: Change,
        server: Server,
        token: str,
    ) -> None:
        self.sign_in_again(start, change)
        with server.client(token) as client:
            assert client.get("/v1/me").status_code == 200
        assert signed_in.ok("whoami", "--json").json["device"]["label"]

    @pytest.mark.parametrize("former", ["pv_pat_no-longer-good", "no token"])
    @pytest.mark.usefixtures("token", "device_token")
    def test_a_former_token_that_cannot_be_ended_is_no_hindrance(
        self,
        start: Callable[..., subprocess.Popen[bytes]],
        change: Change,
        home: Path,
        pvt: Pvt,
        former: str,
    ) -> None:
        (kept,) = (home / "credentials").iterdir()
        kept.write_text(former)
        self.sign_in_again(start, change)
        assert pvt.ok("whoami", "--json").json["device"]["label"]

    def test_nothing_is_left_after_ctrl_c(
        self,
        start: Callable[..., subprocess.Popen[bytes]],
        browser: Path,
        home: Path,
    ) -> None:
        process = start("--no-browser")
        self.read_until("Waiting")
        process.send_signal(signal.SIGINT)
        assert process.communicate()[0] == b""
        assert process.returncode == 130
        assert not browser.exists()
        assert not (home / "credentials").exists()
