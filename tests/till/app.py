"""The stand-in over HTTP: its API, its pages, its clock and its faults."""

import base64
import hashlib
import html
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tests.till.api import Api, Invalid, error_of
from tests.till.books import API_VERSION, DAY, Books, NotFound, Refused
from tests.till.form import parse_form
from tests.till.shapes import Object, make

SECRET_KEY = "sk_test_till"
_BASIC = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
_AUTHORIZED = {f"Bearer {SECRET_KEY}", f"Basic {_BASIC}"}


@dataclass
class Asked:
    """A request to the API."""

    method: str
    path: str
    version: str | None
    idempotency_key: str | None
    parameters: str


@dataclass
class Till:
    """A stand-in: its books, and how it behaves."""

    books: Books = field(default_factory=Books)
    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    is_down: bool = False
    """Whether the API answers 503."""
    before_sending: Callable[[str], object] = id
    """Called with the path when an answer is made, and before it is sent."""
    api: Api = field(init=False)
    _answers: dict[str, tuple[str, int, Object, int]] = field(default_factory=dict)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.api = Api(self.books, lambda: self.address)

    def add_endpoint(self, url: str, events: list[str]) -> None:
        """Add the endpoint of webhooks that `webhook_endpoints` lists."""
        self.books.put(
            make(
                "webhook_endpoint",
                id=self.books.new_id("we"),
                api_version=API_VERSION,
                created=self.books.now(),
                enabled_events=events,
                status="enabled",
                url=url,
            )
        )

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, Object]:
        """Return the status and the body of an answer of the API."""
        key = headers.get("idempotency-key") if method == "POST" else None
        version = headers.get("stripe-version")
        with self._counting:
            self.asked.append(Asked(method, path, version, key, body.decode()))
        if self.is_down:
            return 503, {"error": {"type": "api_error", "message": "down"}}
        if headers.get("authorization") not in _AUTHORIZED:
            error = {"type": "invalid_request_error", "message": "Invalid API Key"}
            return 401, {"error": error}
        if version is None:
            message = "Set the header Stripe-Version."
            return 400, {"error": {"type": "invalid_request_error", "message": message}}
        with self.books.lock:
            status, answer = self._once(key, method, path, body)
            answer = _copy(answer)
        self.before_sending(path)
        return status, answer

    def _once(
        self, key: str | None, method: str, path: str, body: bytes
    ) -> tuple[int, Object]:
        """Answer; a key that was used is answered as before for 24 hours."""
        if key is None:
            return self._answer(method, path, body)
        mark = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
        before = self._answers.get(key)
        if before and before[3] > self.books.now() - DAY:
            if before[0] == mark:
                return before[1], before[2]
            message = "Keys for idempotent requests can only be used with the same"
            error = {"type": "idempotency_error", "message": message}
            return 400, {"error": error}
        status, answer = self._answer(method, path, body)
        if status < 400:
            self._answers[key] = mark, status, _copy(answer), self.books.now()
        return status, answer

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Object]:
        try:
            return 200, self.api.answer(method, path, parse_form(body))
        except (NotFound, Refused, Invalid) as error:
            return error_of(error)


def _copy(found: Object) -> Object:
    copied: Object = json.loads(json.dumps(found))
    return copied


def create_app(till: Till) -> FastAPI:
    """Return the app of a stand-in."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/v1/{path:path}", methods=["GET", "POST", "DELETE"])
    async def answer(path: str, request: Request) -> Response:
        body = await request.body() or request.url.query.encode()
        found = dict(request.headers)
        status, answer = await run_in_threadpool(
            till.answer, request.method, path, found, body
        )
        return JSONResponse(answer, status)

    @app.get("/pay/{id}")
    def show_checkout(id: str) -> Response:
        with till.books.lock:
            session = till.books.get("checkout.session", id)
            if not till.books.is_open(session):
                return HTMLResponse(_page("This page has ended", ""), 410)
            price, _ = till.api.bought[id]
            amount = till.books.get("price", price)["unit_amount"] / 100
            return HTMLResponse(_page(f"Pay {amount:.2f} EUR", _form(*_PAY)))

    @app.post("/pay/{id}")
    async def decide_checkout(id: str, request: Request) -> Response:
        action = parse_form(await request.body()).get("action")
        return await run_in_threadpool(_pay, till, id, action)

    @app.get("/portal/{id}")
    def show_portal(id: str) -> Response:
        with till.books.lock:
            portal = till.books.get("billing_portal.session", id)
            back = html.escape(portal["return_url"] or "")
            rows = "".join(
                f"<li>{each['items']['data'][0]['price']['id']}: {each['status']}"
                for each in till.books.subscriptions(portal["customer"])
            )
            link = f'<ul>{rows}</ul><p><a href="{back}">Back</a></p>'
            return HTMLResponse(_page("Subscriptions", _form(*_PORTAL) + link))

    @app.post("/portal/{id}")
    async def decide_portal(id: str, request: Request) -> Response:
        found = parse_form(await request.body())
        return await run_in_threadpool(_manage, till, id, found)

    @app.post("/_/advance")
    def advance(days: int) -> Object:
        with till.books.lock:
            till.books.advance(days)
            return {"now": till.books.now()}

    @app.exception_handler(NotFound)
    async def not_found(_: Request, error: Exception) -> Response:
        return JSONResponse(error_of(error)[1], 404)

    return app


_PAY = ("pay", "debit", "decline", "cancel")
_PORTAL = ("cancel", "resume", "change", "fail_card", "repair_card")


def _pay(till: Till, id: str, action: str | None) -> Response:
    books = till.books
    with books.lock:
        session = books.get("checkout.session", id)
        if not books.is_open(session):
            return HTMLResponse(_page("This page has ended", ""), 410)
        match action:
            case "pay":
                books.pay(session, *till.api.bought[id])
            case "debit":
                books.pay_slowly(session, *till.api.bought[id])
            case "decline":
                text = "<p>Your card was declined.</p>" + _form(*_PAY)
                return HTMLResponse(_page("Pay", text), 402)
            case "cancel":
                return RedirectResponse(session["cancel_url"] or f"/pay/{id}", 303)
            case _:
                return JSONResponse({"error": {"message": "no such action"}}, 400)
        target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", id)
        return RedirectResponse(target, 303)


def _manage(till: Till, id: str, found: dict[str, Any]) -> Response:
    books = till.books
    with books.lock:
        portal = books.get("billing_portal.session", id)
        customer = portal["customer"]
        match found.get("action"):
            case "fail_card":
                books.failing.add(customer)
            case "repair_card":
                books.repair(customer)
            case "cancel" | "resume" | "change" as action:
                for each in books.subscriptions(customer):
                    if each["status"] not in {"canceled", "incomplete_expired"}:
                        _change(books, each, action, found.get("price"))
            case _:
                return JSONResponse({"error": {"message": "no such action"}}, 400)
    return RedirectResponse(f"/portal/{id}", 303)


def _change(books: Books, found: Object, action: str, price: str | None) -> None:
    if action == "cancel":
        books.cancel_later(found)
    elif action == "resume":
        books.resume(found)
    else:
        books.change(found, price or "price_enterprise_month")


def _form(*actions: str) -> str:
    buttons = "".join(
        f'<button name="action" value="{each}">{each.replace("_", " ")}</button> '
        for each in actions
    )
    return f'<form method="post">{buttons}</form>'


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{title}</title></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
