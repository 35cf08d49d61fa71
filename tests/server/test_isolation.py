"""Each route, called with the ids and secrets of another user, reveals nothing.

Routes and their parameters are read from the app. A route that is missing from
`ANSWERS` fails the test: adding it means deciding what it answers to such a request.
Two things do not count as another user's: the code of a waiting device, which has no
user yet, and a secret (a token, a cookie, a device's code), which identifies its owner.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from promptvault.server.settings import Settings
from tests.server.ai.conftest import DOWN
from tests.server.attempt import BEARER, COOKIE, Attempt, attempts
from tests.server.browser import fields_of
from tests.server.conftest import SECRET, Server, quick_passwords, scratch_database
from tests.server.route import Route, all_routes
from tests.server.tenant import PUSHES, Connection, Tenant, settle
from tests.till.app import Till
from tests.till.running import running
from tests.till.selling import selling

ANSWERS: dict[str, set[int]] = {
    # These have no id: they return, or end, what belongs to the sender.
    "me": {200},
    "export_me": {200},
    "list_devices": {200},
    "list_vaults": {200},
    "events": {200},
    "revoke_token": {204},
    "revoke_every_token": {204},
    # These have ids.
    "revoke_device": {403, 404},
    "versions": {403, 404},
    "create_share": {404, 422},
    "list_shares": {200},
    "update_share": {404, 422},  # it needs a body before it searches
    "revoke_share": {404},
    "create_team": {201, 402, 409, 422},  # the name of a team may be any text
    "list_teams": {200},
    "show_team": {404},
    "update_team": {404, 409, 422},
    "delete_team": {404, 422},
    "list_members": {404},
    "change_role": {404},
    "leave_team": {404},
    "remove_member": {404},
    "protect_label": {204, 404, 422},  # she may protect any label of her own team
    "unprotect_label": {204, 404, 422},
    "list_team_activity": {404},
    "list_my_activity": {200},
    "create_invitation": {402, 404, 422},
    "list_invitations": {404},
    "revoke_invitation": {404},
    "accept_invitation": {404},
    "create_completion": {402},  # her plan does not include it
    "show_ai_usage": {200},
    "show_billing": {200},
    "create_checkout": {422},  # the plan is no id
    "create_portal": {409},
    "receive_stripe_event": {400},  # it is not signed
    "sync": {200},  # of a foreign vault: that it is gone, and nothing else
    # No user is signed in here.
    "start_device_sign_in": {200},
    "exchange_device_code": {400},
    "receive_clerk_event": {400},  # it is not signed
    # The same for all users.
    "openapi": {200},
    "healthz": {200},
    "readyz": {200},
    "prometheus": {200},
    "stylesheet": {200},
    "icon": {200},
    "share_stylesheet": {200},
    "share_script": {200},
    "share_image": {200},
    # Of a share with a password, to a reader who has the link only; 410 if its account
    # is deleted.
    "show_share": {401, 404, 410},
    "open_share": {401, 404, 410},
    "copy_share": {303, 404, 410},
    "raw_share": {401, 404, 410},
    "json_share": {401, 404, 410},
    # Pages. Without mail, signing up with a used address shows that it is used.
    "show_start": {200},
    "show_sign_up": {200},
    "sign_up": {409, 422},
    "show_verification": {200},
    "verify": {401, 422},
    "show_sign_in": {200},
    "sign_in": {401},
    "show_sign_out": {200},
    "sign_out": {303},
    "show_device": {200},
    "look_up_code": {404},
    "show_approval": {404},
    "decide_device": {404},
    "show_decision": {404},
    "show_account": {200},
    "sign_out_device": {303},  # the same if it is signed out already
    "end_session": {303},
    "export_account": {200},
    "show_reset": {200},
    "ask_for_reset": {403},  # no mail is sent
    "show_new_password": {422},
    "set_password": {422},
    "show_password": {200},
    "change_password": {401},
    "show_deletion": {200},
    "delete_account": {401},
    "show_confirmation": {200},
    "confirm": {401},
    "show_transfer": {404},
    "transfer_team": {404},
    "show_team_deletion": {404},
    "delete_team_by_page": {404},
    "show_invitation": {404},
    "join_team": {404},
    "show_plan": {200},
    "buy_plan": {422},
    "manage_plan": {409},
    "show_payment": {200, 422},  # the number of looks is no id
    "show_keeping": {422},
    "keep_account": {422},
    "go_to_provider": {503},  # there is none at the configured address
    "come_from_provider": {401},
}
"""The statuses for a request with an id or secret of another user."""

ROUTES = all_routes()


class World(NamedTuple):
    """Three users; Eve requests what belongs to the others."""

    database: str
    ada: Tenant
    bob: Tenant
    """A user whose account is deleted."""
    eve: Tenant


@pytest.fixture(scope="module")
def world(postgres: str, template: str) -> Iterator[World]:
    """Return the name of a database in which three users have used every feature."""
    with scratch_database(postgres, template) as url:
        settings = Settings(database_url=SecretStr(url), secret=SecretStr(SECRET))
        server = Server(settings)
        server.start()
        try:
            with quick_passwords():
                ada, bob, eve = _people(server, url)
        finally:
            server.stop()
        yield World(str(conninfo_to_dict(url)["dbname"]), ada, bob, eve)


def _people(server: Server, url: str) -> list[Tenant]:
    marks = ("planted-by-ada", "planted-by-bob", "known-of-eve")
    with server.client() as client, psycopg.connect(url, autocommit=True) as own:
        people = [settle(mark, client, own) for mark in marks]
        own.execute(
            "UPDATE accounts SET deleted_at = now() WHERE id = %s",
            (people[1].objects["account"],),
        )
    return people


@pytest.fixture
def database_url(postgres: str, world: World) -> Iterator[str]:
    """Return the address of this test's own copy of the world."""
    with scratch_database(postgres, world.database) as url:
        yield url


@pytest.fixture(scope="module")
def till() -> Iterator[Till]:
    """Return a stand-in for Stripe that knows no customer yet."""
    with running(Till()) as started:
        yield started


@pytest.fixture
def server(start_server: Callable[..., Server], till: Till) -> Server:
    """Return a server with all features enabled."""
    return start_server(
        **selling(till.address),
        oidc_issuer="https://127.0.0.1:9",
        oidc_client_id="promptvault",
        clerk_webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 8),
        **DOWN,
    )


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """Return a connection that observes the effects."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@dataclass
class Asking:
    """Eve's requests to one route."""

    route: Route
    client: httpx.Client
    connection: Connection
    eve: Tenant
    proof: str = field(init=False)

    def __post_init__(self) -> None:
        self.client.cookies.set("promptvault", self.eve.cookie)
        self.proof = fields_of(self.client.get("/signout").text)["form_proof"]
        self.client.cookies.clear()

    def send(self, attempt: Attempt) -> httpx.Response:
        """Send it; Eve is signed in, even if she signed out before.

        Of an answer that does not end, the first piece is read.
        """
        self._refresh()
        parts: dict[str, dict[str, str]] = {"form": {"form_proof": self.proof}}
        credentials = {BEARER: f"Bearer {self.eve.token}", COOKIE: self.eve.cookie}
        for slot, value in {**credentials, **attempt.values, **attempt.foreign}.items():
            parts.setdefault(slot.where, {})[slot.name] = value
        body: dict[str, Any] = {"json": attempt.json} if attempt.json else {}
        if self.route.method != "GET" and not body:
            body = {"data": parts["form"]}
        cookie = "; ".join(f"{name}={value}" for name, value in parts["cookie"].items())
        with self.client.stream(
            self.route.method,
            self.route.path.format(**parts.get("path", {})),
            params=parts.get("query"),
            headers={**parts["header"], "Cookie": cookie},
            **body,
        ) as answer:
            if "event-stream" not in answer.headers.get("content-type", ""):
                answer.read()
                return answer
            content = next(answer.iter_bytes())
            return httpx.Response(answer.status_code, content=content)

    def _refresh(self) -> None:
        eve = self.eve.objects
        self.connection.execute("DELETE FROM rate_limits")
        for table in ("sides", "revisions", "versions"):  # else each answer is longer
            query = f"DELETE FROM {table} WHERE vault_id = %s AND seq > %s"
            self.connection.execute(query.encode(), (eve["vault"], PUSHES))
        self.connection.execute(
            "UPDATE tokens SET revoked_at = NULL WHERE user_id = %s", (eve["user"],)
        )
        self.connection.execute(
            "INSERT INTO sessions (id, user_id, hash, expires_at)"
            " VALUES (%s, %s, %s, now() + interval '1 hour') ON CONFLICT DO NOTHING",
            (eve["session"], eve["user"], eve["session's hash"]),
        )
        self.connection.execute(
            "UPDATE sessions SET confirmed_at = now() WHERE id = %s", (eve["session"],)
        )


def _revealed(answer: httpx.Response, attempt: Attempt, secrets: set[str]) -> set[str]:
    """Return the secrets in an answer, except for what the request itself contained."""
    text = f"{answer.headers}\n{answer.text}"
    for sent in attempt.sent():
        text = text.replace(sent, "")
    return {secret for secret in secrets if secret in text}


def _check_status(route: Route, attempt: Attempt, answer: httpx.Response) -> None:
    named = {slot.where for slot in attempt.foreign}
    if attempt.is_own:
        return
    if BEARER in attempt.foreign and route.is_protected:
        assert answer.status_code == 401, attempt
    elif attempt.json or named & {"path", "query", "form"}:
        is_usable = attempt.is_by_id and (attempt.json or "path" in named)
        expected = ANSWERS[route.name] | (set() if is_usable else {422})
        assert answer.status_code in expected, (attempt, answer.text)


def _check_vaults(answers: list[dict[str, Any]], eve: Tenant) -> None:
    """Assert that of a vault that is not Eve's only this is said."""
    for answer in answers:
        if answer["id"] != eve.objects["vault"]:
            assert answer == {"id": answer["id"], "status": "gone"}


def test_every_route_is_in_the_matrix() -> None:
    assert {route.name for route in ROUTES} == ANSWERS.keys()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.name}")
def test_nothing_is_revealed_and_nothing_is_changed(
    route: Route, server: Server, connection: Connection, world: World
) -> None:
    others = (world.ada, world.bob)
    before = [other.rows(connection) for other in others]
    with server.client() as client:
        asking = Asking(route, client, connection, world.eve)
        for other in others:
            _ask_for_all(asking, other)
    assert [other.rows(connection) for other in others] == before


def _ask_for_all(asking: Asking, other: Tenant) -> None:
    """Send every request that names something of *other*, and check the answers."""
    route, eve, secrets = asking.route, asking.eve, other.secrets(asking.connection)
    for attempt in attempts(route, eve, other):
        answer = asking.send(attempt)
        secrets -= {*attempt.sent()}  # an answer may repeat what she has sent
        assert not _revealed(answer, attempt, secrets), attempt
        _check_status(route, attempt, answer)
        if route.name == "sync" and attempt.json:
            _check_vaults(answer.json()["vaults"], eve)


def test_tokens_of_a_deleted_account_are_not_valid(
    server: Server, world: World
) -> None:
    with server.client(world.bob.token) as client:
        for route in ROUTES:
            if route.is_protected:
                answer = client.request(route.method, route.path)
                assert answer.status_code == 401, route
        client.cookies.set("promptvault", world.bob.cookie)
        assert client.get("/device").headers["location"] == "/signin?to=device"
