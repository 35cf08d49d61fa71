"""Users who have used every feature, each with a mark in all texts."""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import psycopg

from promptvault.server.tables import METADATA
from promptvault.wire.device_code import CLIENT_ID, GRANT_TYPE, MANAGE_SCOPE
from tests.server.browser import Browser
from tests.server.sync.conftest import after, beside, gone, new

Connection = psycopg.Connection[Any]

PUSHES = 5
"""The pushes of each user, one by one."""

_KEYS = {"vault_id", "user_id", "account_id", "team_id"}
_OWN_KEY = {"accounts", "teams", "users", "vaults"}
"""Tables whose ``id`` is a tenant's key as well."""


def tenant_keys(table: str) -> set[str]:
    """Return the columns of *table* that identify the owner of a row."""
    own = {"id"} if table in _OWN_KEY else set()
    return own | (_KEYS & {*METADATA.tables[table].columns.keys()})


@dataclass
class Tenant:
    """A user, and all ids and secrets of the user."""

    mark: str
    """Occurs in all texts of this user, and in no other text."""
    token: str = ""
    cookie: str = ""
    objects: dict[str, str] = field(default_factory=dict)
    """What another user could send, by kind: ids, hashes, used codes."""

    @property
    def email(self) -> str:
        """The user's address."""
        return f"{self.mark}@example.org"

    def rows(self, connection: Connection) -> dict[str, list[str]]:
        """Return every row of the user as text, by table."""
        return {
            table: sorted(str(row) for row in self._select(connection, table, "t"))
            for table in METADATA.tables
        }

    def secrets(self, connection: Connection) -> set[str]:
        """Return what no other user may read: the mark, and all ids and hashes."""
        found = {self.mark}
        for table in METADATA.tables.values():
            for column in table.columns:
                if str(column.type) == "UUID" or column.name == "hash":
                    rows = self._select(connection, table.name, column.name)
                    found |= {str(value) for value in rows if value is not None}
        return found

    def _select(self, connection: Connection, table: str, what: str) -> list[Any]:
        tenants = ("account", "user", "vault", "team vault", "team id")
        ids = [UUID(self.objects[kind]) for kind in tenants]
        keys = (f"{key} = ANY(%(ids)s)" for key in sorted(tenant_keys(table)))
        condition = " OR ".join(keys) or "false"
        query = f"SELECT {what}::text FROM {table} t WHERE {condition}"
        return [row[0] for row in connection.execute(query.encode(), {"ids": ids})]


def settle(mark: str, client: httpx.Client, connection: Connection) -> Tenant:
    """Make and return a user who has used all features."""
    tenant = Tenant(mark)
    browser = Browser(client)
    browser.sign_up(tenant.email)
    tenant.cookie = client.cookies["promptvault"]
    code = _approved(tenant, browser)
    tenant.token = _exchanged(client, code)
    _add_link(tenant, connection)
    tenant.objects["approved code"] = _approved(tenant, browser)["user_code"]
    _find_rows(tenant, connection)
    _fill_vault(tenant, client, connection)
    _share(tenant, client)
    _make_team(tenant, client, connection)
    _use_model(tenant, connection)
    _make_customer(tenant, connection)
    client.cookies.clear()
    return tenant


def _approved(tenant: Tenant, browser: Browser) -> dict[str, str]:
    wish = {"client_id": CLIENT_ID, "device_label": tenant.mark, "scope": MANAGE_SCOPE}
    answer = browser.client.post(
        "/v1/device/code", data={**wish, "device_os": tenant.mark}
    )
    codes: dict[str, str] = answer.json()
    browser.open(f"/device?user_code={codes['user_code']}")
    browser.send()
    browser.send(decision="approved", manage="true")
    assert browser.page.status_code == 200, browser.page.text
    return codes


def _exchanged(client: httpx.Client, codes: dict[str, str]) -> str:
    wish = {"client_id": CLIENT_ID, "grant_type": GRANT_TYPE}
    data = {**wish, "device_code": codes["device_code"]}
    token: str = client.post("/v1/device/token", data=data).json()["access_token"]
    return token


def _find_rows(tenant: Tenant, connection: Connection) -> None:
    """Record the rows of the user in the tables of accounts and sign-ins."""
    found = connection.execute(
        """
        SELECT u.id AS "user", u.account_id AS account, v.id AS vault, d.id AS device,
               t.id AS token, t.hash AS "token's hash", s.id AS session,
               s.hash AS "session's hash", u.email
          FROM users u JOIN vaults v USING (account_id)
          JOIN devices d ON d.user_id = u.id JOIN tokens t ON t.device_id = d.id
          JOIN sessions s ON s.user_id = u.id WHERE u.email = %s
        """,
        (tenant.email,),
    )
    names = [column.name for column in found.description or ()]
    (values,) = found.fetchall()
    tenant.objects |= {
        name: str(value) for name, value in zip(names, values, strict=True)
    }


def _add_link(tenant: Tenant, connection: Connection) -> None:
    """Create a link to a new password, whose token is only in a mail."""
    tenant.objects["link's hash"] = hashlib.sha256(tenant.mark.encode()).hexdigest()
    connection.execute(
        "INSERT INTO account_links (user_id, purpose, is_mailed, hash, expires_at)"
        " SELECT id, '/reset/password', true, %s, now() + interval '1 hour'"
        "   FROM users WHERE email = %s",
        (tenant.objects["link's hash"], tenant.email),
    )


def _make_team(tenant: Tenant, client: httpx.Client, connection: Connection) -> None:
    """Make a team with a protected label and an open invitation."""
    headers = {"Authorization": f"Bearer {tenant.token}"}
    names = {"name": tenant.mark, "slug": tenant.mark}
    team = client.post("/v1/teams", json=names, headers=headers).json()
    tenant.objects |= {"team id": team["id"], "team vault": team["vault"]}
    path = f"/v1/teams/{tenant.mark}"
    label = client.put(f"{path}/labels/{tenant.mark}", headers=headers)
    assert label.status_code == 204, label.text
    tenant.objects |= {"team": tenant.mark, "label": tenant.mark}
    # The free plan has no seat for another person, so no invitation can be made.
    invited = connection.execute(
        "INSERT INTO invitations (vault_id, email, role, hash, max_uses, invited_by,"
        " expires_at) VALUES (%s, %s, 'viewer', %s, 1, %s, now() + interval '1 day')"
        " RETURNING id, hash",
        (
            *(team["vault"], tenant.email),
            *(
                hashlib.sha256(tenant.email.encode()).hexdigest(),
                tenant.objects["user"],
            ),
        ),
    )
    ((id, hashed),) = invited.fetchall()
    tenant.objects |= {"invitation": str(id), "invitation's hash": hashed}


def _make_customer(tenant: Tenant, connection: Connection) -> None:
    """Make a customer with a subscription that no one has to look at soon."""
    account, customer = tenant.objects["account"], f"cus_{tenant.mark}"
    connection.execute(
        "INSERT INTO billing_customers (account_id, customer, reconciled_at)"
        " VALUES (%s, %s, now())",
        (account, customer),
    )
    connection.execute(
        "INSERT INTO subscriptions (id, account_id, status, price, interval, quantity,"
        " cancel_at_period_end, invoice_url, fetched_at)"
        " VALUES (%s, %s, 'unpaid', 'price', 'month', 1, false, %s, now())",
        (f"sub_{tenant.mark}", account, f"https://example.org/{tenant.mark}"),
    )
    tenant.objects |= {"customer": customer, "subscription": f"sub_{tenant.mark}"}


def _fill_vault(tenant: Tenant, client: httpx.Client, connection: Connection) -> None:
    """Push a prompt with two versions and a side, and one that is deleted."""
    connection.execute(
        "UPDATE vaults SET name = %s WHERE id = %s",
        (tenant.mark, tenant.objects["vault"]),
    )
    first, doomed = new(tenant.mark), new(tenant.mark)
    second, side = after(first, tenant.mark), beside(first, tenant.mark)
    for each in (first, second, side, doomed):
        each["payload"] |= {"name": tenant.mark, "title": tenant.mark}
    headers = {"Authorization": f"Bearer {tenant.token}"}
    vault = {
        "id": tenant.objects["vault"],
        "push": [first, second, side, doomed, gone(doomed)],
    }
    body = {"proto": 1, "device": tenant.objects["device"], "vaults": [vault]}
    answer = client.post("/v1/sync", json=body, headers=headers).json()
    assert [each["r"] for each in answer["vaults"][0]["results"]] == ["ok"] * PUSHES
    tenant.objects |= {
        "item": first["item"],
        "deleted item": doomed["item"],
        "revision": first["rev"],
        "head": second["rev"],
        "side": side["rev"],
        "version": first["versions"][0]["id"],
    }


def _share(tenant: Tenant, client: httpx.Client) -> None:
    """Share the prompt with a password, which keeps visitors out."""
    wish = {
        "vault": tenant.objects["vault"],
        "item": tenant.objects["item"],
        "mode": "current",
        "password": f"{tenant.mark} password",
    }
    headers = {"Authorization": f"Bearer {tenant.token}"}
    made = client.post("/v1/shares", json=wish, headers=headers).json()
    tenant.objects["share"] = made["id"]
    tenant.objects["share_token"] = made["url"].rpartition("/")[2]


def _use_model(tenant: Tenant, connection: Connection) -> None:
    """Use the server's model, and keep an answer."""
    hash = hashlib.sha256(f"answer of {tenant.mark}".encode()).hexdigest()
    values = {"account": tenant.objects["account"], "user": tenant.objects["user"]}
    found = connection.execute(
        """
        WITH month AS (
            INSERT INTO ai_months (account_id, month, spent)
            VALUES (%(account)s, now(), 7)
        ), answer AS (
            INSERT INTO ai_answers (account_id, hash, answer)
            VALUES (%(account)s, %(hash)s, 'sealed')
        )
        INSERT INTO ai_requests (account_id, user_id, operation, task, month, reserved,
               cost, state, settled_at)
        VALUES (%(account)s, %(user)s, gen_random_uuid(), 'optimize', now(), 9, 7,
               'settled', now()) RETURNING id, operation
        """,
        {**values, "hash": hash},
    )
    ((request, operation),) = found.fetchall()
    tenant.objects |= {
        "request": str(request),
        "operation": str(operation),
        "stored answer's hash": hash,
    }
