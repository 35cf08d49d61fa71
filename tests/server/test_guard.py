"""Every route requires a token, unless both lists name it."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from promptvault.server.app import create_app, include_protected
from promptvault.server.guard import OWN_SCOPES, PUBLIC_ROUTES
from promptvault.server.settings import Settings
from promptvault.server.token.secret import make_token
from tests.server.conftest import Server

PUBLIC = {
    *("start_device_sign_in", "exchange_device_code"),
    *("receive_clerk_event", "receive_stripe_event"),
}
"""Routes under /v1 that need no token. Adding one is a decision, so the list is here
again."""

OUTSIDE = {
    *("healthz", "readyz", "prometheus", "openapi", "stylesheet", "icon"),
    *("show_sign_up", "sign_up", "show_verification", "verify"),
    *("show_sign_in", "sign_in", "show_sign_out", "sign_out"),
    *("go_to_provider", "come_from_provider"),
    *("show_start", "show_device", "look_up_code"),
    *("show_approval", "decide_device", "show_decision"),
    *("show_account", "sign_out_device", "end_session", "export_account"),
    *("show_reset", "ask_for_reset", "show_new_password", "set_password"),
    *("show_password", "change_password"),
    *("show_confirmation", "confirm", "show_transfer", "transfer_team"),
    *("show_team_deletion", "delete_team_by_page"),
    *("show_invitation", "join_team"),
    *("show_plan", "buy_plan", "manage_plan", "show_payment"),
    *("share_stylesheet", "share_script", "share_image"),
    *("show_share", "open_share", "copy_share", "raw_share", "json_share"),
    *("show_deletion", "delete_account", "show_keeping", "keep_account"),
}
"""Routes outside of the API; pages check their own sessions."""


@pytest.fixture
def routes(settings: Settings) -> list[tuple[str, str, str]]:
    """Return method, path and name of every route."""
    found = iter_route_contexts(create_app(settings).routes)
    return [
        (method, str(route.path), str(route.name))
        for route in found
        for method in sorted(route.methods or ())
    ]


def test_public_routes_are_known(routes: list[tuple[str, str, str]]) -> None:
    assert PUBLIC_ROUTES == PUBLIC
    assert PUBLIC | OWN_SCOPES.keys() <= {name for _, _, name in routes}
    outside = {name for _, path, name in routes if not path.startswith("/v1/")}
    assert outside | {"openapi"} == OUTSIDE


def test_no_two_routes_have_one_name(routes: list[tuple[str, str, str]]) -> None:
    """Otherwise one of them, if public, would open the other."""
    places = {(path, name) for _, path, name in routes}
    assert len({name for _, name in places}) == len(places)


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi", "made up"])
def test_every_other_route_is_protected(
    visitor: httpx.Client, routes: list[tuple[str, str, str]], header: str | None
) -> None:
    given = f"Bearer {make_token()}" if header == "made up" else header
    headers = {} if given is None else {"Authorization": given}
    for method, path, name in routes:
        if name not in PUBLIC | OUTSIDE:
            answer = visitor.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)


probe = APIRouter()


@probe.get("/probe")
async def read_probe() -> str:
    """A route without explicit protection."""
    return "read"


@probe.post("/probe")
async def write_probe() -> str:
    """Another one."""
    return "written"


@pytest.fixture
def probed(server: Server) -> Iterator[httpx.Client]:
    """Return a client of a server with the routes above."""
    include_protected(server.app, probe)
    with server.client() as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forgotten_route_is_protected(probed: httpx.Client, method: str) -> None:
    assert probed.request(method, "/v1/probe").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "reading", "writing"),
    [
        ("{sync:read,sync:write}", 200, 200),
        ("{sync:read}", 200, 403),
        ("{team:admin}", 403, 403),
    ],
)
def test_a_token_is_good_for_its_scopes(
    probed: httpx.Client,
    token: str,
    database_url: str,
    scopes: str,
    reading: int,
    writing: int,
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tokens SET scopes = %s", (scopes,))
    probed.headers["Authorization"] = f"Bearer {token}"
    assert probed.get("/v1/probe").status_code == reading
    assert probed.post("/v1/probe").status_code == writing


def test_a_token_of_another_server_is_none_here(
    client: httpx.Client, server: Server, settings: Settings
) -> None:
    assert client.get("/v1/me").status_code == 200
    changed = settings.model_copy(update={"secret": SecretStr("x" * 40)})
    other = Server(changed)
    other.start()
    with other.client() as stranger:
        stranger.headers = client.headers
        assert stranger.get("/v1/me").status_code == 401
    other.stop()


def test_no_protected_route_declares_a_body(settings: Settings) -> None:
    """FastAPI would read and parse it before the guard has checked the token."""
    declared = {
        str(route.name)
        for route in iter_route_contexts(create_app(settings).routes)
        if str(route.path).startswith("/v1/") and getattr(route, "body_field", None)
    }
    assert declared <= PUBLIC
    assert declared == {"start_device_sign_in", "exchange_device_code"}  # small forms
