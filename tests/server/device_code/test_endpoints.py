"""The device flow, from the first code to the token, over real HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from promptvault.server.device_code.code import find_user_code, make_user_code
from promptvault.wire.device_code import CLIENT_ID, GRANT_TYPE
from tests.server.browser import Browser
from tests.server.conftest import EMAIL

SCOPE = "sync:read sync:write ai:use"
DEVICE = {"client_id": CLIENT_ID, "device_label": "analytical", "device_os": "Linux 6"}


def _start(visitor: httpx.Client) -> dict[str, Any]:
    answer = visitor.post("/v1/device/code", data=DEVICE)
    assert answer.status_code == 200, answer.text
    codes: dict[str, Any] = answer.json()
    return codes


def _exchange(visitor: httpx.Client, device_code: str) -> httpx.Response:
    return visitor.post(
        "/v1/device/token",
        data={
            "client_id": CLIENT_ID,
            "grant_type": GRANT_TYPE,
            "device_code": device_code,
        },
    )


def _error(visitor: httpx.Client, device_code: str) -> str:
    answer = _exchange(visitor, device_code)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


def _set(database_url: str, assignment: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"UPDATE device_codes SET {assignment}")


def test_a_device_is_approved(visitor: httpx.Client, signed_up: Browser) -> None:
    codes = _start(visitor)
    assert (codes["expires_in"], codes["interval"]) == (600, 5)
    assert _error(visitor, codes["device_code"]) == "authorization_pending"
    signed_up.open(codes["verification_uri_complete"])
    assert codes["user_code"] in signed_up.page.text
    signed_up.send()
    for shown in ("analytical", "Linux 6", "127.0.0.1", codes["user_code"]):
        assert shown in signed_up.page.text
    assert "is let in" in signed_up.send(decision="approved").text
    answer = _exchange(visitor, codes["device_code"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()["access_token"]
    me = visitor.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert me["email"] == EMAIL
    assert me["device"]["label"] == "analytical"
    assert me["device"]["os"] == "Linux 6"
    assert _error(visitor, codes["device_code"]) == "invalid_grant"


def _scope(visitor: httpx.Client, codes: dict[str, Any]) -> str:
    return str(_exchange(visitor, codes["device_code"]).json()["scope"])


class TestTheRightToManage:
    def _ask(self, visitor: httpx.Client, browser: Browser) -> dict[str, Any]:
        data = DEVICE | {"scope": "team:admin unheard:of"}
        codes: dict[str, Any] = visitor.post("/v1/device/code", data=data).json()
        browser.open(codes["verification_uri_complete"])
        browser.send()
        return codes

    def test_is_given_only_with_a_tick(
        self, visitor: httpx.Client, signed_up: Browser, database_url: str
    ) -> None:
        for ticked, scope in ((False, SCOPE), (True, f"{SCOPE} team:admin")):
            codes = self._ask(visitor, signed_up)
            assert codes["scope"] == f"{SCOPE} team:admin"
            assert "may also manage teams" in signed_up.page.text
            assert "checked" not in signed_up.page.text
            tick = {"manage": "true"} if ticked else {}
            page = signed_up.send(decision="approved", **tick).text
            assert ("may also manage teams" in page) is ticked
            token = _exchange(visitor, codes["device_code"]).json()
            assert token["scope"] == scope
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            me = visitor.get("/v1/me", headers=headers).json()
            assert me["manages"] is ticked
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "SELECT actor_email, action, subject FROM activities"
            ).fetchall()
        assert rows == [(EMAIL, "device.let_in", "analytical")]

    def test_is_not_given_unasked(
        self, visitor: httpx.Client, signed_up: Browser
    ) -> None:
        codes = _start(visitor)
        assert codes["scope"] == SCOPE
        signed_up.open(codes["verification_uri_complete"])
        signed_up.send()
        assert "manage teams" not in signed_up.page.text
        signed_up.send(decision="approved", manage="true")
        assert _scope(visitor, codes) == SCOPE

    def test_goes_with_a_denial(
        self, visitor: httpx.Client, signed_up: Browser
    ) -> None:
        codes = self._ask(visitor, signed_up)
        page = signed_up.send(decision="denied", manage="true").text
        assert "manage teams" not in page
        assert _error(visitor, codes["device_code"]) == "access_denied"


def test_a_device_is_denied(visitor: httpx.Client, signed_up: Browser) -> None:
    codes = _start(visitor)
    signed_up.open("/device")
    signed_up.send(user_code=f" {codes['user_code'].lower().replace('-', ' ')} ")
    assert "was not let in" in signed_up.send(decision="denied").text
    for _ in range(2):
        assert _error(visitor, codes["device_code"]) == "access_denied"


def test_the_device_code_is_not_stored(
    visitor: httpx.Client, database_url: str
) -> None:
    code = _start(visitor)["device_code"]
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute("SELECT d::text FROM device_codes d").fetchall()
    assert code not in row[0]


def test_an_expired_code_is_good_for_nothing(
    visitor: httpx.Client, signed_up: Browser, database_url: str
) -> None:
    codes = _start(visitor)
    signed_up.open(codes["verification_uri_complete"])
    signed_up.send()
    _set(database_url, "expires_at = now()")
    assert signed_up.send(decision="approved").status_code == 404
    assert signed_up.send(user_code=codes["user_code"]).status_code == 404
    assert _error(visitor, codes["device_code"]) == "expired_token"


def test_an_approval_expires_too(
    visitor: httpx.Client, signed_up: Browser, database_url: str
) -> None:
    codes = _start(visitor)
    _set(database_url, "status = 'approved', user_id = (SELECT id FROM users)")
    _set(database_url, "expires_at = now()")
    assert _error(visitor, codes["device_code"]) == "expired_token"


def test_a_device_that_polls_too_fast_must_wait_longer(
    visitor: httpx.Client, database_url: str
) -> None:
    code = _start(visitor)["device_code"]
    _set(database_url, "last_polled_at = now() + interval '1 hour'")
    assert _error(visitor, code) == "slow_down"
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute("SELECT interval_seconds FROM device_codes")
    assert row == (10,)
    _set(database_url, "last_polled_at = now() - interval '8 seconds'")
    assert _error(visitor, code) == "slow_down"
    _set(database_url, "last_polled_at = now() - interval '15 seconds'")
    assert _error(visitor, code) == "authorization_pending"


@pytest.mark.parametrize("second", ["approved", "denied"])
def test_a_code_is_decided_once(
    visitor: httpx.Client,
    open_browser: Callable[[], Browser],
    signed_up: Browser,
    second: str,
) -> None:
    """By one user twice, and by two users who have the page open at the same time."""
    codes = _start(visitor)
    other = open_browser()
    other.sign_up("bob@example.org")
    for each in (signed_up, other):
        each.open(codes["verification_uri_complete"])
        each.send()
    approval = signed_up.page
    assert signed_up.send(decision="approved").status_code == 200
    assert other.send(decision=second).status_code == 404
    signed_up.page = approval
    # The first decision is final.
    assert "is let in" in signed_up.send(decision=second).text
    token = _exchange(visitor, codes["device_code"]).json()["access_token"]
    me = visitor.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["email"] == EMAIL


def test_of_many_who_exchange_at_once_one_gets_the_token(
    visitor: httpx.Client, signed_up: Browser, database_url: str
) -> None:
    code = _start(visitor)["device_code"]
    _set(database_url, "status = 'approved', user_id = (SELECT id FROM users)")
    with ThreadPoolExecutor(8) as threads:
        answers = [*threads.map(lambda _: _exchange(visitor, code), range(16))]
    assert sorted(each.status_code for each in answers) == [200] + [400] * 15
    with psycopg.connect(database_url) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM tokens), (SELECT count(*) FROM devices)"
        ).fetchone()
    assert counts == (1, 1)


def test_codes_cannot_be_guessed(visitor: httpx.Client, signed_up: Browser) -> None:
    codes = _start(visitor)
    signed_up.open("/device")
    for _ in range(10):
        assert signed_up.send(user_code=make_user_code()).status_code == 404
    assert signed_up.send(user_code=make_user_code()).status_code == 429
    assert int(signed_up.page.headers["retry-after"]) >= 1
    assert "Too many requests" in signed_up.page.text
    signed_up.open("/device")
    assert signed_up.send(user_code=codes["user_code"]).status_code == 429


def test_wrong_codes_do_not_answer_a_device(visitor: httpx.Client) -> None:
    for code in ("x", "\x00", "ä" * 40):
        assert _error(visitor, code) == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"device_code": None}, "invalid_request"),
        ({"device_code": "x" * 201}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_answered_as_oauth_has_it(
    visitor: httpx.Client, change: dict[str, str | None], error: str
) -> None:
    good = {"client_id": CLIENT_ID, "grant_type": GRANT_TYPE, "device_code": "x"}
    form = {name: value for name, value in (good | change).items() if value}
    answer = visitor.post("/v1/device/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"].startswith(next(iter(change)))


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "other"},
        {"device_label": ""},
        {"device_label": "x" * 101},
        {"device_label": "gnp.\u202egnitset"},
        {"device_os": "a\nb"},
    ],
)
def test_what_cannot_be_shown_is_refused(
    visitor: httpx.Client, change: dict[str, str]
) -> None:
    assert visitor.post("/v1/device/code", data=DEVICE | change).status_code == 422


def test_a_label_is_text_and_never_markup(
    visitor: httpx.Client, signed_up: Browser
) -> None:
    label = "<script>alert(1)</script>\"'"
    answer = visitor.post("/v1/device/code", data=DEVICE | {"device_label": label})
    signed_up.open("/device")
    page = signed_up.send(user_code=answer.json()["user_code"]).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_asking_for_codes_is_limited(visitor: httpx.Client) -> None:
    for _ in range(10):
        _start(visitor)
    answer = visitor.post("/v1/device/code", data=DEVICE)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limited"
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("bcdf-ghjk", "BCDF-GHJK"),
        (" BCDF GHJK\n", "BCDF-GHJK"),
        ("bcdfghjk", "BCDF-GHJK"),
        ("BCDF-GHJ", None),
        ("BCDF-GHJKL", None),
        ("ABCD-EFGH", None),
        ("//evil.example", None),
        ("", None),
    ],
)
def test_how_a_code_may_be_typed(typed: str, code: str | None) -> None:
    assert find_user_code(typed) == code


def test_the_form_of_a_code() -> None:
    code = make_user_code()
    assert len(code) == 9
    assert find_user_code(code) == code


def test_an_approval_in_the_last_seconds_is_good_for_a_minute(
    visitor: httpx.Client, signed_up: Browser, database_url: str
) -> None:
    codes = [_start(visitor) for _ in range(2)]
    _set(database_url, "expires_at = now() + interval '20 seconds'")
    for each, decision in zip(codes, ("approved", "denied"), strict=True):
        signed_up.open(f"/device?user_code={each['user_code']}")
        signed_up.send()
        signed_up.send(decision=decision)
    _set(database_url, "expires_at = expires_at - interval '30 seconds'")
    assert _exchange(visitor, codes[0]["device_code"]).status_code == 200
    assert _error(visitor, codes[1]["device_code"]) == "access_denied"
    _set(database_url, "status = 'approved', expires_at = now() - interval '1 second'")
    assert _error(visitor, codes[0]["device_code"]) == "expired_token"
