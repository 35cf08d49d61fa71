"""Random lives of accounts that pay, with deliveries that fail and a worker that ends.

At rest, each account has the plan that `entitlement` gives for what the stand-in knows.
The past moves away, not the clock: times of the stand-in and of the database are set
back. So both stay on the clock of this computer.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import psycopg
from psycopg.rows import dict_row

from promptvault.domain.entitlement import Subscription, entitlement
from promptvault.domain.tier import Tier
from promptvault.server.activity.actor import OPERATOR
from promptvault.server.admin import Admin
from promptvault.server.billing.plan import grant
from promptvault.server.database import Database
from promptvault.server.job.worker import Worker
from promptvault.server.settings import Settings
from tests.server.conftest import Server
from tests.server.mail_server import MailServer
from tests.till.app import Till
from tests.till.books import DAY, PRICES, period_end
from tests.till.replayer import Replayer
from tests.till.shapes import Object

_ENDED = {"canceled", "incomplete_expired"}
_TIMES = {
    *("created", "current_period_start", "current_period_end", "cancel_at"),
    *("canceled_at", "ended_at", "expires_at", "next_payment_attempt", "start_date"),
}
"""Fields of the stand-in's objects that are times."""
_COLUMNS = {
    "accounts": ("granted_until", "plan_until", "plan_notice_at"),
    "subscriptions": (
        *("period_end", "cancel_at", "past_due_since", "warned_at", "fetched_at"),
    ),
    "billing_customers": ("reconciled_at",),
    "external_events": ("created_at", "handled_at"),
}
_DUE = "SELECT count(*) FROM jobs WHERE dead_at IS NULL AND run_at <= now()"
_PLAN = """
SELECT plan, prompt_limit, member_limit, plan_why, plan_until, plan_notice,
       granted_plan, granted_until, clock_timestamp() AS now
  FROM accounts WHERE id = %s
"""
_ACTIONS = {
    "buy": 12,
    "buy_again": 6,
    "settle_debit": 3,
    "manage": 8,
    "end_at_once": 1,
    "cancel_as_before": 1,
    "dispute": 1,
    "delete_customer": 1,
    "give": 2,
    "pass_days": 9,
    "deliver": 12,
    "lose_events": 1,
    "work": 10,
    "kill": 3,
}
"""How often each happens."""


class Person(NamedTuple):
    """The owner of an account."""

    account_id: UUID
    email: str
    client: httpx.Client


class Killed(BaseException):
    """The worker has ended in the middle of a job."""


class Simulation:
    """Two accounts of one server, whose jobs run only when it says so."""

    def __init__(self, server: Server, till: Till, mail: MailServer, seed: int) -> None:
        self.till, self.books, self.mail = till, till.books, mail
        self.lot = random.Random(seed)
        self.replayer = Replayer(
            f"{server.url}/v1/webhooks/stripe",
            server.settings.webhook_secrets[0],
        )
        self.books.on_event = self.replayer.hold
        self.books.last_status = self.lot.choice(["unpaid", "canceled"])
        self._settings: Settings = server.settings
        self._connection = psycopg.connect(
            server.settings.address, autocommit=True, row_factory=dict_row
        )
        self._pages: list[str] = []
        self._since: dict[str, tuple[str, datetime]] = {}
        """When each subscription was first seen as past due, and its invoice."""
        admin = Admin(server.settings)
        self.people = [
            self._person(admin, server, f"{name}{seed}@example.org")
            for name in ("ada", "bob")
        ]

    def _person(self, admin: Admin, server: Server, email: str) -> Person:
        account_id = admin.add_user(email, Tier.FREE).user.account_id
        return Person(
            account_id, email, server.client(admin.issue_token(email, "t", manage=True))
        )

    def close(self) -> None:
        """Close what is open."""
        self._connection.close()

    def step(self) -> None:
        """Do something at random; after it no one pays twice."""
        (name,) = self.lot.choices([*_ACTIONS], [*_ACTIONS.values()])
        person = self.lot.choice(self.people)
        if name in {"deliver", "work", "kill", "lose_events", "pass_days"}:
            getattr(self, f"_{name}")()
        else:
            getattr(self, f"_{name}")(person)
        for each in self.people:
            live = [s for s in self._subscriptions(each) if s["status"] not in _ENDED]
            assert len(live) <= 1, f"{each.email} pays twice"

    # What people do.

    def _buy(self, person: Person) -> None:
        self._connection.execute("DELETE FROM rate_limits")
        plan, interval = self.lot.choice([*PRICES]).split(":")
        body = {"plan": plan, "interval": interval}
        answer = person.client.post("/v1/billing/checkout", json=body)
        assert answer.status_code in {201, 409}, answer.text
        if answer.status_code == 201:
            self._pages.append(answer.json()["url"])
            self._pay(self._pages[-1])

    def _buy_again(self, _person: Person) -> None:
        """Go back to a page from before."""
        if self._pages:
            self._pay(self.lot.choice(self._pages))

    def _pay(self, url: str) -> None:
        action = self.lot.choice(["pay", "pay", "pay", "debit", "decline", "cancel"])
        if self.lot.random() < 0.8:
            httpx.post(url, data={"action": action})

    def _settle_debit(self, person: Person) -> None:
        for session in self.books.all("checkout.session"):
            is_open = (session["status"], session["payment_status"]) == (
                *("complete", "unpaid"),
            )
            if is_open and session["customer"] in self._customers(person):
                found = self.books.get("subscription", session["subscription"])
                if found["status"] == "incomplete":
                    self.books.settle(session, is_paid=self.lot.random() < 0.5)

    def _manage(self, person: Person) -> None:
        acts: list[Callable[[Object], object]] = [
            self.books.cancel_later,
            self.books.cancel_later,
            self.books.resume,
            lambda found: self.books.change(found, self._price()),
            lambda found: self.books.failing.add(found["customer"]),
            lambda found: self.books.failing.add(found["customer"]),
            lambda found: self.books.repair(found["customer"]),
        ]
        self._change(person, self.lot.choice(acts))

    def _end_at_once(self, person: Person) -> None:
        """End a subscription, as an operator does after a refund."""
        self._change(person, lambda found: self.books.end(found, "canceled"))

    def _cancel_as_before(self, person: Person) -> None:
        """Let a subscription end in the way of the older billing mode."""

        def cancel(found: Object) -> None:
            found["cancel_at_period_end"] = True
            self.books.emit("customer.subscription.updated", found)

        self._change(person, cancel)

    def _change(self, person: Person, act: Callable[[Object], object]) -> None:
        for found in self._subscriptions(person):
            if found["status"] not in _ENDED:
                act(found)

    def _dispute(self, _person: Person) -> None:
        dispute = {"id": self.books.new_id("dp"), "object": "dispute"}
        self.books.emit("charge.dispute.created", dispute)

    def _delete_customer(self, person: Person) -> None:
        for customer in self._customers(person):
            self.books.delete_customer(customer)

    def _give(self, person: Person) -> None:
        """Give a plan, or take it back, as the operator."""
        plan = self.lot.choice([*Tier])
        ends = datetime.now(UTC) + timedelta(days=5)
        until = self.lot.choice([None, ends])

        async def give(database: Database) -> None:
            async with database.transaction() as connection:
                to = (person.account_id, OPERATOR, plan, until)
                await grant(connection, self._settings, *to)

        self._run(give)

    def _price(self) -> str:
        id, _, _ = PRICES[self.lot.choice([*PRICES])]
        return id

    # What happens to the server.

    def _deliver(self) -> None:
        self.replayer.flush(self.lot, faults=0.5)

    def _lose_events(self) -> None:
        self.replayer.lose()

    def _pass_days(self) -> None:
        days = self.lot.choice([1, 3, 12, 31])
        self.books.advance(days)
        self.books.ahead = 0
        for found in self.books.objects.values():
            _set_back(found, days * DAY)
        for table, columns in _COLUMNS.items():
            changes = ", ".join(f"{c} = {c} - %(by)s" for c in columns)
            by = {"by": timedelta(days=days)}
            self._connection.execute(f"UPDATE {table} SET {changes}".encode(), by)
        self._since = {
            id: (invoice, since - timedelta(days=days))
            for id, (invoice, since) in self._since.items()
        }
        self._add_jobs("plan_sweep", "reconcile_all")

    def _work(self) -> None:
        self._run(self._working)

    def _kill(self) -> None:
        """End the worker when Stripe has answered a request of it."""
        count = self.lot.randrange(3)
        self._run(lambda database: self._working(database, kill_at=count))

    async def _working(self, database: Database, kill_at: int | None = None) -> None:
        """Do all jobs that are due."""
        worker = Worker(self._settings, database)
        task = asyncio.create_task(worker.run())
        loop, answers = asyncio.get_running_loop(), iter(range(1000))

        def sending(_path: str) -> None:
            if next(answers) == kill_at:
                loop.call_soon_threadsafe(task.cancel)

        self.till.before_sending = sending
        try:
            while not task.done() and bool(await asyncio.to_thread(self._count_due)):
                await asyncio.sleep(0.01)
        finally:
            worker.stop()
            self.till.before_sending = id
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _count_due(self) -> int:
        row = self._connection.execute(_DUE).fetchone()
        return int(row["count"]) if row else 0

    def _run(self, act: Callable[[Database], Any]) -> None:
        async def run() -> None:
            database = Database(self._settings)
            await database.open()
            try:
                await act(database)
            finally:
                await database.close()

        asyncio.run(run())

    def _add_jobs(self, *kinds: str) -> None:
        for kind in kinds:
            self._connection.execute("INSERT INTO jobs (kind) VALUES (%s)", (kind,))

    # What must hold.

    def settle(self) -> None:
        """Deliver everything, do all jobs, and check."""
        self.replayer.flush()
        self._add_jobs("plan_sweep", "reconcile_all")
        for _ in range(20):
            self._connection.execute("UPDATE jobs SET run_at = now()")
            if not self._count_due():
                break
            self._work()
        for person in self.people:
            self._check(person)
        self._check_mails()
        jobs = self._rows("SELECT kind, error FROM jobs")
        assert not jobs, jobs
        unhandled = "SELECT kind FROM external_events WHERE handled_at IS NULL"
        assert not (left := self._rows(unhandled)), left

    def _check(self, person: Person) -> None:
        ((stored),) = self._rows(_PLAN, person.account_id)
        truth = [
            self._as_known(each)
            for customer in self._customers(person)
            for each in self.books.subscriptions(customer)
        ]
        gift = stored["granted_plan"]
        expected = entitlement(
            Tier(gift) if gift else None,
            stored["granted_until"],
            truth,
            stored["now"],
            self._settings.billing_grace,
        )
        has = tuple(stored.values())[:6]
        limits = expected.allowance.prompts, expected.allowance.members
        should = (expected.plan, *limits, *expected[1:4])
        assert has == should, f"{has}, not {should}, of {truth}"
        answer = person.client.get("/v1/billing")
        assert answer.json()["tier"] == expected.plan, answer.text

    def _as_known(self, found: Object) -> Subscription:
        """Return a subscription of the stand-in, and check what is stored of it."""
        rows = self._rows("SELECT * FROM subscriptions WHERE id = %s", found["id"])
        assert rows, f"{found['id']} is not stored"
        (stored,) = rows
        price = found["items"]["data"][0]["price"]["id"]
        shown = Subscription(
            found["status"],
            next(Tier(key.split(":")[0]) for key, v in PRICES.items() if v[0] == price),
            _time(period_end(found)),
            _time(found["cancel_at"]),
            found["cancel_at_period_end"],
            None,
            self._past_due_since(found, stored["past_due_since"]),
        )
        assert stored["price"] == price
        assert stored["status"] == shown.status
        assert stored["period_end"] == shown.period_end
        assert stored["cancel_at"] == shown.cancel_at
        assert stored["cancel_at_period_end"] == shown.cancel_at_period_end
        return shown

    def _past_due_since(
        self, found: Object, stored: datetime | None
    ) -> datetime | None:
        """Check that it stays until the payment is made."""
        if found["status"] != "past_due":
            assert stored is None
            self._since.pop(found["id"], None)
            return None
        assert stored is not None
        invoice = found["latest_invoice"]
        before = self._since.get(found["id"])
        if before and before[0] == invoice:
            assert stored == before[1]
        self._since[found["id"]] = invoice, stored
        return stored

    def _check_mails(self) -> None:
        """Check that each failed invoice was mailed about once at most, each way."""
        ids = [str(mail["Message-ID"]) for _, mail in self.mail.mails]
        assert len(ids) == len({*ids})
        for person in self.people:
            about = [
                str(m["Subject"]) for to, m in self.mail.mails if person.email in to
            ]
            failed = [
                each
                for each in self.books.all("invoice")
                if each["attempt_count"] > 1 or each["next_payment_attempt"]
            ]
            for subject in {*about}:
                assert about.count(subject) <= len(failed), subject

    def _customers(self, person: Person) -> list[str]:
        account = str(person.account_id)
        return [
            each["id"]
            for each in self.books.all("customer")
            if each["metadata"].get("account_id") == account
        ]

    def _subscriptions(self, person: Person) -> list[Object]:
        account = str(person.account_id)
        return [
            each
            for each in self.books.all("subscription")
            if each["metadata"].get("account_id") == account
        ]

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self._connection.execute(query.encode(), values).fetchall()


def simulate(
    server: Server,
    till: Till,
    mail: MailServer,
    seed: int,
    steps: int = 30,
    rest_after: int = 10,
) -> None:
    """Run one seed; raise AssertionError if something does not hold.

    It is checked after *rest_after* steps, and so on.
    """
    with contextlib.closing(Simulation(server, till, mail, seed)) as simulation:
        for number in range(steps):
            simulation.step()
            if (number + 1) % rest_after == 0:
                simulation.settle()


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _set_back(found: Any, seconds: int) -> None:
    """Set the times within an object back."""
    for value in _values(found):
        for key in _TIMES & value.keys():
            if isinstance(value[key], int):
                value[key] -= seconds


def _values(found: Any) -> Iterator[Object]:
    if isinstance(found, dict):
        yield found
        for each in found.values():
            yield from _values(each)
    elif isinstance(found, list):
        for each in found:
            yield from _values(each)
