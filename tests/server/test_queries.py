"""Each query names the tenant whose data it reads.

PostgreSQL shows it: in the plan of each statement, a tenant's key binds each table to a
parameter.
"""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from promptvault.server.tables import METADATA
from tests.server.conftest import scratch_database
from tests.server.tenant import tenant_keys

SERVER = Path(__file__).parents[2] / "promptvault" / "server"

WITHOUT_TENANT = {
    "ai_instance_months": "belongs to the server",
    "rate_limits": "counts by keys that are hashed or public",
    "server_settings": "belongs to the server",
    "jobs": "the server's own work, by ids alone",
    "job_slots": "when the server's periodic work was due last",
    "external_events": "what a provider sent, by its own id",
    "provider_sign_ins": "without a user yet, found by a secret's hash",
    "sign_ups": "without an account yet, found by the hash of a mailed secret",
}
"""Tables without a tenant, and why."""

WITHOUT_KEY = {
    "account/repository.py AccountRepository.find_user": "signs in by address",
    "account/repository.py AccountRepository.memberships": "the operator's list",
    "account/repository.py AccountRepository.renew_epochs": "the operator's, for all",
    "device_code/repository.py DeviceCodeRepository.forget_old": "cleans up",
    "device_code/repository.py DeviceCodeRepository.find_pending": "without a user yet",
    "device_code/repository.py DeviceCodeRepository.decide": "without a user yet",
    "device_code/repository.py DeviceCodeRepository.exchange": "by a secret's hash",
    "device_code/repository.py DeviceCodeRepository.poll": "by a secret's hash",
    **dict.fromkeys(
        (
            "oidc/repository.py IdentityRepository.lock",
            "oidc/repository.py IdentityRepository.link",
            "oidc/repository.py IdentityRepository.mark_changed",
            "oidc/repository.py IdentityRepository.mark_deleted",
        ),
        "the identity that the provider has signed",
    ),
    "account/erasure_repository.py ErasureRepository.find": "the operator's",
    "account/erasure_repository.py _DUE": "cleans up",
    "account/erasure_repository.py ErasureRepository.forget_identities": "cleans up",
    "account/erasure_repository.py ErasureRepository.erase_invitations": "by address",
    "account/erasure_repository.py _FORGET_NAME": "all lines that name a user",
    "ai/answer_store.py _FORGET_OLD": "cleans up",
    "billing/letter.py _write": "of a job, by the id that it holds",
    "billing/repository.py _ENQUEUE": "when the customer of an event was looked at",
    "billing/repository.py _ADD_EVENT": "the same, by Stripe's id",
    "billing/repository.py BillingRepository.lock": "by Stripe's id, of an event",
    "billing/repository.py BillingRepository.mark_reconciled": "the locked customer",
    "billing/repository.py BillingRepository.ended_plans": "ends what is over",
    "billing/repository.py BillingRepository.customers": "the operator's, for all",
    "billing/repository.py BillingRepository.not_seen_for": "looks at all, nightly",
    "billing/repository.py BillingRepository.to_warn": "warns all who must pay",
    "ai/operator.py _USE": "the operator's list",
    "ai/repository.py AiRepository.overdue": "cleans up",
    "session/repository.py SessionRepository.find": "by a secret's hash",
    "session/repository.py SessionRepository.delete": "by a secret's hash",
    "link/repository.py LinkRepository.find": "by a secret's hash",
    "link/repository.py LinkRepository.use": "by a secret's hash",
    "retention/repository.py _NEXT_VAULT": "purges every vault",
    "retention/repository.py _PIECES": "expired rows",
    "retention/repository.py _EXPIRED": "expired rows",
    "share/reading.py _FIND": "by its token, which is secret",
    "share/reading.py _ADD_VIEWS": "counts views of shares that were just found",
    "share/repository.py _MANAGED": "the addresses of those who made the shares",
    "share/repository.py _VERSIONS": "of vaults with shares that were just found",
    "share/repository.py _MEMBERSHIP": "the account of the vault that it has locked",
    "share/operator.py _LIVE": "the operator's list",
    "share/operator.py ShareList.revoke": "the operator's, by its id",
    "share/operator.py ShareList.block": "the operator's, of one user",
    "share/pause_mail.py _FIND": "of a job, by the id that it holds",
    "sync/repository.py _LOCK": "accounts of the vaults that it has just locked",
    "activity/repository.py _PROMPTS": "addresses of those who changed the vault",
    "invitation/repository.py InvitationRepository.find": "by a secret's hash",
    "invitation/repository.py InvitationRepository.lock": "by a secret's hash",
    "invitation/repository.py _OFFER": "by a secret's hash, or the id in a job",
    "invitation/repository.py _OPEN": "addresses of those who invite to the vault",
    **dict.fromkeys(
        (
            "team/deletion_repository.py _MARK",
            "team/deletion_repository.py _UNMARK",
            "team/deletion_repository.py _ERASE",
        ),
        "team and account of the vault, and members that it had",
    ),
    "team/deletion_repository.py _DUE": "cleans up",
    "team/repository.py TeamRepository.all": "the operator's list",
    "team/repository.py TeamRepository.find_any": "the operator's",
    "token/repository.py _BEARER": "by a secret's hash",
    "token/repository.py TokenRepository.find_bearer": "by a secret's hash",
    "token/repository.py TokenRepository.touch": "the token that was just found",
}
"""Statements without a tenant, and why. Adding one is a decision."""

_TABLES = "|".join(METADATA.tables)
_SQL = re.compile(
    r"\s*(select|insert|update|delete|with|merge|copy|truncate)\s+\S"
    rf"|.*\b(from|join|into|update|using)\s+({_TABLES})\b",
    re.IGNORECASE | re.DOTALL,
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sbt]|%[sbt]")
_EQUAL = re.compile(r"(\w+)\.(\w+) = (?:(\w+)\.(\w+)|(\$\d+|ANY \(\$\d+\)))")
_CONDITIONS = (
    *("Index Cond", "Recheck Cond", "Filter", "Join Filter"),
    *("Hash Cond", "Merge Cond"),
)


class Statement(NamedTuple):
    """A text in the server's code that is SQL."""

    place: str
    """File and function."""
    text: str


def _statements() -> Iterator[Statement]:
    for path in sorted(SERVER.rglob("*.py")):
        name = path.relative_to(SERVER)
        if name.parts[0] not in {"migrations", "tables"}:
            module = ".".join(("promptvault.server", *name.with_suffix("").parts))
            values = vars(importlib.import_module(module.removesuffix(".__init__")))
            yield from _within(ast.parse(path.read_text()), f"{name} ", values)


def _within(node: ast.AST, place: str, values: dict[str, Any]) -> Iterator[Statement]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        if isinstance(child, ast.Constant | ast.JoinedStr):
            text = _text(child, values)
            if _SQL.match(text):
                yield Statement(place.strip("."), text)
        else:
            name = getattr(child, "name", None)
            if isinstance(child, ast.Assign) and place.endswith(" "):
                name = ast.unparse(child.targets[0])
            scope = f"{place}{name}." if isinstance(name, str) else place
            yield from _within(child, scope, values)


def _text(node: ast.Constant | ast.JoinedStr, values: dict[str, Any]) -> str:
    """Return the value of a literal; SQL may be composed of constants only."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = [each.value for each in node.values if isinstance(each, ast.Constant)]
    fixed = "".join(map(str, parts))
    if not _SQL.match(fixed):
        return ""
    text = eval(compile(ast.Expression(node), "statement", "eval"), values)
    assert isinstance(text, str)
    return text


STATEMENTS = sorted({*_statements()})


def _numbered(text: str) -> str:
    """Return a statement with PostgreSQL's own placeholders."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1] or f"number {len(names)}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACEHOLDER.sub(number, text).replace("%%", "%")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _conjuncts(condition: str) -> Iterator[str]:
    """Yield the conditions that must all hold, without the brackets."""
    depth, start = 0, 0
    inner = condition[1:-1] if _is_bracketed(condition) else condition
    for match in re.finditer(r"[()]| AND ", inner):
        if match[0] == " AND ":
            if depth == 0:
                yield from _conjuncts(inner[start : match.start()])
                start = match.end()
        else:
            depth += 1 if match[0] == "(" else -1
    if start:
        yield from _conjuncts(inner[start:])
    else:
        yield inner


def _is_bracketed(text: str) -> bool:
    depth = 0
    for position, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return position == len(text) - 1 and sign == ")"
    return False


def _scans(nodes: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tables that are read, by their names in the plan."""
    return {
        node["Alias"]: node["Relation Name"]
        for node in nodes
        if node.get("Relation Name") in METADATA.tables
        and node["Node Type"] != "ModifyTable"
    }


def _equations(nodes: list[dict[str, Any]]) -> list[tuple[str | None, ...]]:
    """Return the equalities: name, column; name, column or parameter."""
    found = [
        match.groups()
        for node in nodes
        for name in _CONDITIONS
        for part in _conjuncts(node.get(name, ""))
        if (match := _EQUAL.fullmatch(part))
    ]
    return [*found, *((c, d, a, b, e) for a, b, c, d, e in found if c)]


def _unbound(plan: dict[str, Any]) -> set[str]:
    """Return the tables that a plan reads without a tenant's key.

    A key is held by a parameter, or by a key of a table that is itself held.
    """
    nodes = [*_nodes(plan)]
    scans = _scans(nodes)
    keys = {name: tenant_keys(table) for name, table in scans.items()}
    held: set[str | None] = set()
    for _ in scans:
        held |= {
            name
            for name, column, other, other_column, parameter in _equations(nodes)
            if column in keys.get(name or "", ())
            and (parameter or (other in held and other_column in keys[other or ""]))
        }
    return {scans[name] for name in scans.keys() - held} - WITHOUT_TENANT.keys()


def _plan(connection: psycopg.Connection[Any], text: str) -> dict[str, Any]:
    query = f"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {_numbered(text)}"
    found = connection.execute(query.encode(), prepare=False).fetchone()
    assert found is not None
    answer = found[0] if isinstance(found[0], list) else json.loads(found[0])
    plan: dict[str, Any] = answer[0]["Plan"]
    return plan


def test_every_table_has_a_tenant_or_a_reason() -> None:
    without = {name for name in METADATA.tables if not tenant_keys(name)}
    assert without == WITHOUT_TENANT.keys()


def test_every_query_names_its_tenant(postgres: str, template: str) -> None:
    found: dict[str, set[str]] = {}
    # A plan depends on statistics, which other tests would leave.
    with (
        scratch_database(postgres, template) as database,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        for place, text in STATEMENTS:
            if unbound := _unbound(_plan(connection, text)):
                found.setdefault(place, set()).update(unbound)
    unexplained = {place: found[place] for place in found.keys() - WITHOUT_KEY.keys()}
    assert not unexplained
    assert found.keys() == WITHOUT_KEY.keys(), "an exception that is none any more"


@pytest.mark.parametrize(
    ("query", "unbound"),
    [
        ("SELECT * FROM items WHERE vault_id = %s AND item_id = %s", set()),
        ("SELECT * FROM items WHERE item_id = %s", {"items"}),
        ("SELECT * FROM items WHERE vault_id = %s OR item_id = %s", {"items"}),
        ("SELECT * FROM items WHERE vault_id <> %s", {"items"}),
        ("SELECT * FROM items WHERE NOT (vault_id = %s)", {"items"}),
        ("SELECT * FROM items WHERE vault_id IS NOT NULL", {"items"}),
        ("UPDATE items SET deleted = true WHERE item_id = %s", {"items"}),
        ("DELETE FROM tokens WHERE id = %s", {"tokens"}),
        ("DELETE FROM tokens WHERE id = %s AND user_id = %s", set()),
        (
            "SELECT * FROM items JOIN sides USING (vault_id) WHERE items.seq = %s",
            {"items", "sides"},
        ),
        ("SELECT * FROM items JOIN sides USING (vault_id) WHERE vault_id = %s", set()),
        (
            "SELECT *, (SELECT count(*) FROM sides WHERE sides.item_id = i.item_id)"
            " FROM items i WHERE vault_id = %s",
            {"sides"},
        ),
        (
            "WITH v AS (SELECT vault_id FROM vault_members WHERE user_id = %s)"
            " SELECT * FROM items WHERE vault_id IN (SELECT vault_id FROM v)",
            set(),
        ),
    ],
)
def test_a_query_that_forgets_it_shows(
    database_url: str, query: str, unbound: set[str]
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert _unbound(_plan(connection, query)) == unbound
