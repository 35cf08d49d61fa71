"""What the stand-in knows: customers, subscriptions, payments, and the events of them.

Subscriptions are made by a paid Checkout alone, in the flexible billing mode. In that
mode the portal cancels by `cancel_at`, and `cancel_at_period_end` stays false.
"""

import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.till.shapes import Object, make, make_list

API_VERSION = "2026-10-28.endive"
DAY = 86_400
PRICES = {
    "pro:month": ("price_pro_month", 900, "month"),
    "pro:year": ("price_pro_year", 9000, "year"),
    "enterprise:month": ("price_enterprise_month", 4900, "month"),
    "enterprise:year": ("price_enterprise_year", 49_000, "year"),
}
_DAYS = {"month": 30, "year": 365}
_RETRIES = (3, 5, 7)
"""Days from one attempt to take a payment to the next one."""


class NotFound(Exception):
    """There is no such object; the arguments are its kind and its id."""


class Refused(Exception):
    """A request that cannot be done; the argument says why."""


class Books:
    """All objects, by id. Use it while its lock is held."""

    def __init__(self, on_event: Callable[[Object], None] = lambda _: None) -> None:
        self.lock = threading.RLock()
        self.on_event = on_event
        self.ahead = 0
        """Seconds by which its clock is ahead."""
        self.last_status = "unpaid"
        """Of a subscription whose payment has failed each time."""
        self.objects: dict[str, Object] = {}
        self.failing: set[str] = set()
        """Customers whose card is refused."""
        self._number = itertools.count(1)
        for id, amount, interval in PRICES.values():
            self._add_price(id, amount, interval)

    def now(self) -> int:
        """Return the time on its clock, in seconds."""
        return int(time.time()) + self.ahead

    def new_id(self, prefix: str) -> str:
        """Return an id that was not used before."""
        return f"{prefix}_{next(self._number):014d}"

    def get(self, kind: str, id: str) -> Object:
        """Return an object; raise NotFound."""
        found = self.objects.get(id)
        if found is None or found["object"] != kind:
            raise NotFound(kind, id)
        return found

    def all(self, kind: str) -> list[Object]:
        """Return the objects of a kind, the newest first."""
        return [each for each in self.objects.values() if each["object"] == kind][::-1]

    def put(self, found: Object) -> Object:
        """Store a new object, and return it."""
        self.objects[found["id"]] = found
        return found

    def emit(self, type: str, found: Object) -> None:
        """Add an event about an object as it is now."""
        event = make(
            "event",
            id=self.new_id("evt"),
            api_version=API_VERSION,
            created=self.now(),
            data={"object": copy.deepcopy(found)},
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
            type=type,
        )
        self.on_event(self.put(event))

    # Customers and Checkout.

    def add_customer(self, values: dict[str, Any]) -> Object:
        """Add a customer."""
        return self.put(
            make("customer", id=self.new_id("cus"), created=self.now(), balance=0)
            | values
        )

    def delete_customer(self, id: str) -> Object:
        """Delete a customer, and end the subscriptions."""
        customer = self.get("customer", id)
        for found in self.subscriptions(id):
            if found["status"] != "canceled":
                self.end(found, "canceled")
        del self.objects[id]
        self.emit("customer.deleted", customer)
        return {"id": id, "object": "customer", "deleted": True}

    def open_session(self, values: dict[str, Any], address: str) -> Object:
        """Add a Checkout session, whose page is at *address*."""
        id = self.new_id("cs_test")
        return self.put(
            make(
                "checkout.session",
                id=id,
                created=self.now(),
                status="open",
                payment_status="unpaid",
                ui_mode="hosted_page",
                url=f"{address}/pay/{id}",
            )
            | values
        )

    def expire(self, session: Object) -> None:
        """End an open session; raise Refused if it is not open."""
        if session["status"] != "open":
            raise Refused("Only open Checkout Sessions can be expired.")
        session.update(status="expired", url=None)
        self.emit("checkout.session.expired", session)

    def is_open(self, session: Object) -> bool:
        """Return True if a session can still be paid."""
        if session["status"] == "open" and session["expires_at"] <= self.now():
            self.expire(session)
        return bool(session["status"] == "open")

    def pay(self, session: Object, price: str, metadata: dict[str, str]) -> Object:
        """Pay a session by card, and return the subscription."""
        found = self.subscribe(session["customer"], price, metadata, "active")
        self._complete(session, found, "paid")
        return found

    def pay_slowly(
        self, session: Object, price: str, metadata: dict[str, str]
    ) -> Object:
        """Pay a session by bank debit, whose result comes later; see `settle`."""
        found = self.subscribe(session["customer"], price, metadata, "incomplete")
        self._complete(session, found, "unpaid")
        return found

    def settle(self, session: Object, *, is_paid: bool) -> None:
        """Let the bank debit of a session succeed or fail."""
        found = self.get("subscription", session["subscription"])
        invoice = self.get("invoice", found["latest_invoice"])
        if is_paid:
            session["payment_status"] = "paid"
            self._mark_paid(invoice)
            self._set(found, status="active")
            self.emit("checkout.session.async_payment_succeeded", session)
        else:
            self._set(found, status="incomplete_expired", ended_at=self.now())
            self.emit("checkout.session.async_payment_failed", session)

    # Subscriptions.

    def subscriptions(self, customer: str) -> list[Object]:
        """Return the subscriptions of a customer, the newest first."""
        return [
            each for each in self.all("subscription") if each["customer"] == customer
        ]

    def cancel_later(self, found: Object) -> None:
        """Let a subscription end with its period, as the portal does."""
        self._set(found, cancel_at=period_end(found), canceled_at=self.now())

    def resume(self, found: Object) -> None:
        """Take back that a subscription ends."""
        self._set(found, cancel_at=None, cancel_at_period_end=False, canceled_at=None)

    def change(self, found: Object, price: str) -> None:
        """Give a subscription another price."""
        found["items"]["data"][0]["price"] = self.get("price", price)
        self._set(found)

    def end(self, found: Object, status: str) -> None:
        """End a subscription at once."""
        found.update(status=status, ended_at=self.now(), canceled_at=self.now())
        self.emit("customer.subscription.deleted", found)

    def repair(self, customer: str) -> None:
        """Give a customer a card that works, and pay what is open."""
        self.failing.discard(customer)
        for found in self.subscriptions(customer):
            if found["status"] in {"past_due", "unpaid"}:
                self._collect(found, self.get("invoice", found["latest_invoice"]))

    def advance(self, days: int) -> None:
        """Move the clock, and do what is due on each day."""
        for _ in range(days):
            self.ahead += DAY
            for session in self.all("checkout.session"):
                self.is_open(session)
                self._settle_debit(session)
            for found in self.all("subscription"):
                self._pass_day(found)

    def _settle_debit(self, session: Object) -> None:
        """Let a bank debit end, on the day after it."""
        if session["status"] == "complete" and session["payment_status"] == "unpaid":
            found = self.get("subscription", session["subscription"])
            if found["status"] == "incomplete":
                self.settle(session, is_paid=session["customer"] not in self.failing)

    def _pass_day(self, found: Object) -> None:
        if found["status"] not in {"active", "past_due"}:
            return
        if found["cancel_at"] and found["cancel_at"] <= self.now():
            self.end(found, "canceled")
            return
        invoice = self.get("invoice", found["latest_invoice"])
        if found["status"] == "past_due":
            if (invoice["next_payment_attempt"] or 0) <= self.now():
                self._collect(found, invoice)
        elif period_end(found) <= self.now():
            self._renew(found)

    def _renew(self, found: Object) -> None:
        (item,) = found["items"]["data"]
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] += _length(item["price"])
        self._collect(found, self._invoice(found, "subscription_cycle"))

    def _collect(self, found: Object, invoice: Object) -> None:
        """Try to take a payment."""
        invoice["attempt_count"] += 1
        if found["customer"] not in self.failing:
            self._mark_paid(invoice)
            self._set(found, status="active")
            return
        attempt = invoice["attempt_count"]
        if attempt > len(_RETRIES):
            invoice["next_payment_attempt"] = None
            self.emit("invoice.payment_failed", invoice)
            if self.last_status == "canceled":
                self.end(found, "canceled")
            else:
                self._set(found, status=self.last_status)
            return
        invoice["next_payment_attempt"] = self.now() + _RETRIES[attempt - 1] * DAY
        self.emit("invoice.payment_failed", invoice)
        self._set(found, status="past_due")

    def _mark_paid(self, invoice: Object) -> None:
        invoice.update(
            status="paid",
            amount_paid=invoice["amount_due"],
            amount_remaining=0,
            next_payment_attempt=None,
        )
        self.emit("invoice.paid", invoice)

    def _set(self, found: Object, **values: Any) -> None:
        found.update(values)
        self.emit("customer.subscription.updated", found)

    def _complete(self, session: Object, found: Object, payment: str) -> None:
        session.update(
            status="complete",
            payment_status=payment,
            subscription=found["id"],
            invoice=found["latest_invoice"],
            url=None,
        )
        self.emit("checkout.session.completed", session)

    def subscribe(
        self, customer: str, price: str, metadata: dict[str, str], status: str
    ) -> Object:
        """Add a subscription, which is paid if it is active."""
        id, bought = self.new_id("sub"), self.get("price", price)
        item = make(
            "subscription_item",
            id=self.new_id("si"),
            created=self.now(),
            current_period_start=self.now(),
            current_period_end=self.now() + _length(bought),
            price=bought,
            quantity=1,
            subscription=id,
        )
        found = make(
            "subscription",
            id=id,
            billing_mode={"type": "flexible", "flexible": {}},
            billing_cycle_anchor=self.now(),
            cancel_at_period_end=False,
            collection_method="charge_automatically",
            created=self.now(),
            currency="eur",
            customer=customer,
            items=make_list([item], f"/v1/subscription_items?subscription={id}"),
            metadata=metadata,
            start_date=self.now(),
            status=status,
        )
        self.put(found)
        invoice = self._invoice(found, "subscription_create")
        self.emit("customer.subscription.created", found)
        if status == "active":
            invoice["attempt_count"] = 1
            self._mark_paid(invoice)
        return found

    def _invoice(self, found: Object, reason: str) -> Object:
        (item,) = found["items"]["data"]
        amount, id = item["price"]["unit_amount"], self.new_id("in")
        details = {"subscription": found["id"], "metadata": found["metadata"]}
        found["latest_invoice"] = id
        return self.put(
            make(
                "invoice",
                id=id,
                amount_due=amount,
                amount_paid=0,
                amount_remaining=amount,
                attempt_count=0,
                billing_reason=reason,
                collection_method="charge_automatically",
                created=self.now(),
                currency="eur",
                customer=found["customer"],
                hosted_invoice_url=f"https://invoice.example/{id}",
                parent={
                    "type": "subscription_details",
                    "quote_details": None,
                    "subscription_details": details,
                },
                status="open",
                total=amount,
            )
        )

    def _add_price(self, id: str, amount: int, interval: str) -> None:
        self.put(
            make(
                "price",
                id=id,
                active=True,
                billing_scheme="per_unit",
                created=self.now(),
                currency="eur",
                product="prod_promptvault",
                recurring={
                    "interval": interval,
                    "interval_count": 1,
                    "meter": None,
                    "usage_type": "licensed",
                    "trial_period_days": None,
                },
                type="recurring",
                unit_amount=amount,
                unit_amount_decimal=str(amount),
            )
        )


def period_end(found: Object) -> int:
    """Return when the last item of a subscription is due again."""
    ends: Iterable[int] = (
        item["current_period_end"] for item in found["items"]["data"]
    )
    return max(ends)


def _length(price: Object) -> int:
    return _DAYS[price["recurring"]["interval"]] * DAY
