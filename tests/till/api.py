"""The routes under ``/v1`` that the server uses, with Stripe's errors."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tests.till.books import DAY, Books, NotFound, Refused
from tests.till.shapes import Object, make, make_list

Parameters = dict[str, Any]

_SESSION = {
    *("mode", "customer", "line_items", "client_reference_id", "subscription_data"),
    *("success_url", "cancel_url", "expires_at", "locale", "metadata", "ui_mode"),
    *("automatic_tax", "customer_update", "allow_promotion_codes", "tax_id_collection"),
    *("billing_address_collection", "expand"),
}
_CUSTOMER = {"email", "name", "metadata", "description", "expand"}
_MOST = 100


class Invalid(Exception):
    """A parameter that Stripe refuses: its code, a message, and its name."""

    def __init__(self, code: str, message: str, parameter: str) -> None:
        super().__init__(message)
        self.code, self.message, self.parameter = code, message, parameter


class Api:
    """Answers requests of a secret key from the books."""

    def __init__(self, books: Books, address: Callable[[], str]) -> None:
        self._books, self._address = books, address
        self.bought: dict[str, tuple[str, dict[str, str]]] = {}
        """The price of each Checkout session, and the metadata of its subscription."""

    def answer(self, method: str, path: str, found: Parameters) -> Object:
        """Return what a request answers; raise NotFound, Refused or Invalid."""
        for route in _ROUTES:
            match = route.pattern.fullmatch(path)
            if match and route.method == method:
                return route.handler(self, found, *match.groups())
        raise NotFound("route", path)

    # Customers.

    def add_customer(self, found: Parameters) -> Object:
        _require_known(found, _CUSTOMER)
        return self._books.add_customer(_without_expand(found))

    def get_customer(self, _: Parameters, id: str) -> Object:
        return self._books.get("customer", id)

    def update_customer(self, found: Parameters, id: str) -> Object:
        _require_known(found, _CUSTOMER)
        customer = self._books.get("customer", id)
        metadata = customer["metadata"] | found.pop("metadata", {})
        customer.update(_without_expand(found), metadata=metadata)
        self._books.emit("customer.updated", customer)
        return customer

    def delete_customer(self, _: Parameters, id: str) -> Object:
        return self._books.delete_customer(id)

    # Prices, invoices, events, endpoints.

    def list_prices(self, found: Parameters) -> Object:
        prices = self._books.all("price")
        if "active" in found:
            is_active = found["active"] == "true"
            prices = [each for each in prices if each["active"] == is_active]
        return _page(prices, found, "/v1/prices")

    def get_price(self, _: Parameters, id: str) -> Object:
        return self._books.get("price", id)

    def get_invoice(self, _: Parameters, id: str) -> Object:
        return self._books.get("invoice", id)

    def list_events(self, found: Parameters) -> Object:
        created = found.get("created", {})
        oldest = max(int(created.get("gte", 0)), self._books.now() - 30 * DAY)
        types = found.get("types")
        events = [
            each
            for each in self._books.all("event")
            if each["created"] >= oldest and (not types or each["type"] in types)
        ]
        return _page(events, found, "/v1/events")

    def list_endpoints(self, found: Parameters) -> Object:
        endpoints = self._books.all("webhook_endpoint")
        return _page(endpoints, found, "/v1/webhook_endpoints")

    # Checkout and the portal.

    def open_session(self, found: Parameters) -> Object:
        _require_known(found, _SESSION)
        books = self._books
        if found.get("mode") != "subscription":
            raise Invalid("parameter_invalid", "Only subscriptions.", "mode")
        if found.get("ui_mode", "hosted_page") != "hosted_page":
            raise Invalid("parameter_invalid", "Invalid ui_mode.", "ui_mode")
        if not found.get("success_url"):
            raise Invalid("parameter_missing", "Missing success_url.", "success_url")
        customer = self._required("customer", found)
        price = self._price(found)
        # The clock of the client is not moved.
        expires = int(found.get("expires_at", books.now() + DAY - books.ahead))
        expires += books.ahead
        if not books.now() + 1700 <= expires <= books.now() + DAY + 60:
            message = "The expires_at timestamp must be 30 minutes to 24 hours ahead."
            raise Invalid("parameter_invalid", message, "expires_at")
        values = {
            "customer": customer["id"],
            "mode": "subscription",
            "success_url": found["success_url"],
            "cancel_url": found.get("cancel_url"),
            "client_reference_id": found.get("client_reference_id"),
            "metadata": found.get("metadata", {}),
            "locale": found.get("locale"),
            "expires_at": expires,
            "amount_total": price["unit_amount"],
            "currency": price["currency"],
        }
        session = books.open_session(values, self._address())
        metadata = found.get("subscription_data", {}).get("metadata", {})
        self.bought[session["id"]] = (price["id"], metadata)
        return session

    def list_sessions(self, found: Parameters) -> Object:
        sessions = self._books.all("checkout.session")
        for key in ("customer", "status", "subscription"):
            if key in found:
                sessions = [each for each in sessions if each[key] == found[key]]
        return _page(sessions, found, "/v1/checkout/sessions")

    def get_session(self, _: Parameters, id: str) -> Object:
        return self._books.get("checkout.session", id)

    def expire_session(self, _: Parameters, id: str) -> Object:
        session = self._books.get("checkout.session", id)
        self._books.expire(session)
        return session

    def open_portal(self, found: Parameters) -> Object:
        customer = self._required("customer", found)
        id = self._books.new_id("bps")
        return self._books.put(
            make(
                "billing_portal.session",
                id=id,
                configuration=found.get("configuration", "bpc_default"),
                created=self._books.now(),
                customer=customer["id"],
                return_url=found.get("return_url"),
                url=f"{self._address()}/portal/{id}",
            )
        )

    # Subscriptions.

    def list_subscriptions(self, found: Parameters) -> Object:
        subscriptions = self._books.all("subscription")
        if "customer" in found:
            subscriptions = self._books.subscriptions(found["customer"])
        status = found.get("status")
        if status is None:
            ended = {"canceled", "incomplete_expired"}
            subscriptions = [s for s in subscriptions if s["status"] not in ended]
        elif status != "all":
            subscriptions = [s for s in subscriptions if s["status"] == status]
        page = _page(subscriptions, found, "/v1/subscriptions")
        if "data.latest_invoice" in found.get("expand", []):
            page["data"] = [*self._with_invoices(page["data"])]
        return page

    def get_subscription(self, found: Parameters, id: str) -> Object:
        subscription = self._books.get("subscription", id)
        if "latest_invoice" in found.get("expand", []):
            (subscription,) = self._with_invoices([subscription])
        return subscription

    def update_subscription(self, found: Parameters, id: str) -> Object:
        subscription = self._books.get("subscription", id)
        at_end = found.get("cancel_at_period_end")
        if at_end == "true":
            self._books.cancel_later(subscription)
        elif at_end == "false":
            self._books.resume(subscription)
        for item in found.get("items", []):
            self._books.change(subscription, item["price"])
        return subscription

    def cancel_subscription(self, _: Parameters, id: str) -> Object:
        subscription = self._books.get("subscription", id)
        if subscription["status"] == "canceled":
            raise NotFound("subscription", id)
        self._books.end(subscription, "canceled")
        return subscription

    def _with_invoices(self, found: list[Object]) -> Iterator[Object]:
        for each in found:
            invoice = each["latest_invoice"]
            expanded = self._books.get("invoice", invoice) if invoice else None
            yield each | {"latest_invoice": expanded}

    def _required(self, kind: str, found: Parameters) -> Object:
        id = found.get(kind)
        if not id:
            raise Invalid("parameter_missing", f"Missing required param: {kind}.", kind)
        try:
            return self._books.get(kind, id)
        except NotFound:
            message = f"No such {kind}: '{id}'"
            raise Invalid("resource_missing", message, kind) from None

    def _price(self, found: Parameters) -> Object:
        items = found.get("line_items") or []
        if len(items) != 1 or "price" not in items[0]:
            raise Invalid("parameter_missing", "One item with a price.", "line_items")
        try:
            price = self._books.get("price", items[0]["price"])
        except NotFound:
            message = f"No such price: '{items[0]['price']}'"
            name = "line_items[0][price]"
            raise Invalid("resource_missing", message, name) from None
        if not price["active"]:
            message = "The price specified is inactive."
            raise Invalid("price_inactive", message, "line_items[0][price]")
        return price


class _Route(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    handler: Callable[..., Object]


_HANDLERS: Mapping[str, Callable[..., Object]] = {
    "POST customers": Api.add_customer,
    "GET customers/*": Api.get_customer,
    "POST customers/*": Api.update_customer,
    "DELETE customers/*": Api.delete_customer,
    "GET prices": Api.list_prices,
    "GET prices/*": Api.get_price,
    "GET invoices/*": Api.get_invoice,
    "GET events": Api.list_events,
    "GET webhook_endpoints": Api.list_endpoints,
    "POST checkout/sessions": Api.open_session,
    "GET checkout/sessions": Api.list_sessions,
    "GET checkout/sessions/*": Api.get_session,
    "POST checkout/sessions/*/expire": Api.expire_session,
    "GET subscriptions": Api.list_subscriptions,
    "GET subscriptions/*": Api.get_subscription,
    "POST subscriptions/*": Api.update_subscription,
    "DELETE subscriptions/*": Api.cancel_subscription,
    "POST billing_portal/sessions": Api.open_portal,
}
_ROUTES = [
    _Route(method, re.compile(path.replace("*", "([^/]+)")), handler)
    for route, handler in _HANDLERS.items()
    for method, path in [route.split(" ")]
]


def error_of(error: Exception) -> tuple[int, Object]:
    """Return the status and the body for an error of `Api.answer`."""
    match error:
        case NotFound(args=(kind, id)):
            body = {"code": "resource_missing", "message": f"No such {kind}: '{id}'"}
            return 404, _error(body)
        case Invalid():
            body = {"code": error.code, "message": error.message}
            return 400, _error(body | {"param": error.parameter})
        case Refused(args=(message,)):
            return 400, _error({"message": message})
        case _:
            raise error


def _error(body: Object) -> Object:
    return {"error": {"type": "invalid_request_error"} | body}


def _require_known(found: Parameters, known: set[str]) -> None:
    for name in found.keys() - known:
        message = f"Received unknown parameter: {name}"
        raise Invalid("parameter_unknown", message, name)


def _without_expand(found: Parameters) -> Parameters:
    return {key: value for key, value in found.items() if key != "expand"}


def _page(items: list[Object], found: Parameters, url: str) -> Object:
    """Return a page of *items*: at most `limit`, after the object `starting_after`."""
    limit = min(int(found.get("limit", 10)), _MOST)
    ids = [each["id"] for each in items]
    first = 0
    if after := found.get("starting_after"):
        if after not in ids:
            message = f"No such object: '{after}'"
            raise Invalid("resource_missing", message, "starting_after")
        first = ids.index(after) + 1
    page = items[first : first + limit]
    return make_list(page, url, has_more=first + limit < len(items))
