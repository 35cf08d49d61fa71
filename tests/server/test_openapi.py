"""The OpenAPI document is true: each answer to any request is one that it names."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import APIOperation, Case, GenerationMode, checks

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.app import create_app
from promptvault.server.settings import Settings
from tests.server.ai.conftest import DOWN
from tests.server.conftest import EMAIL, SECRET, Server, scratch_database
from tests.server.sync.conftest import new
from tests.till.app import Till
from tests.till.running import running
from tests.till.selling import selling

EXAMPLES, SOAK_EXAMPLES = 40, 1500

ENDLESS = {"events"}
"""Operations whose answer does not end; their own tests read it."""

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


_Case = Case[Any]
_Operation = APIOperation[Any, Any, Any, Any]


def _operations() -> dict[str, _Operation]:
    settings = Settings(
        database_url=SecretStr("postgresql://"), secret=SecretStr(SECRET)
    )
    schema = schemathesis.openapi.from_dict(create_app(settings).openapi())
    found: Any = schema.get_all_operations()
    operations = [each.ok() for each in found]
    return {each.definition.raw["operationId"]: each for each in operations}


OPERATIONS = _operations()
NAMES = sorted(OPERATIONS.keys() - ENDLESS)


class Way(NamedTuple):
    """How a request is sent."""

    is_known: bool
    """Whether it has a token."""
    names_own: bool
    """Whether it names the existing vault."""
    encoding: str
    """The claimed compression of the body, which is not compressed."""


WAYS = st.builds(
    Way,
    st.sampled_from([True, True, False]),
    st.booleans(),
    st.sampled_from([*[""] * 8, "gzip", "zstd", "br"]),
)


class Caller:
    """A user with a prompt, who tries operations on a server."""

    def __init__(self, server: Server, connection: psycopg.Connection[Any]) -> None:
        self._server, self._connection = server, connection
        admin = Admin(server.settings)
        admin.add_user(EMAIL, Tier.FREE)
        self._token = admin.issue_token(EMAIL, "test", manage=True)
        vaults = connection.execute("SELECT id FROM vaults").fetchall()
        self._vault, self._push = str(vaults[0][0]), new()
        vault = {"id": self._vault, "push": [self._push]}
        body = {"proto": 1, "device": self._push["item"], "vaults": [vault]}
        with server.client(self._token) as client:
            assert client.post("/v1/sync", json=body).status_code == 200
            assert client.post("/v1/teams", json={"name": "Acme"}).status_code == 201

    def try_out(self, case: _Case, way: Way) -> None:
        """Send *case* and check the answer; restore what an earlier request ended."""
        self._connection.execute("DELETE FROM rate_limits")
        self._connection.execute("UPDATE tokens SET revoked_at = NULL")
        plan = "pro" if case.operation.path.startswith("/v1/ai/") else "free"
        self._connection.execute("UPDATE accounts SET plan = %s", (plan,))
        if way.names_own:
            self._name_own(case)
        headers = {}
        if way.is_known:
            headers["Authorization"] = f"Bearer {self._token}"
        if way.encoding:
            headers["Content-Encoding"] = way.encoding
        answer = case.call(base_url=self._server.url, headers=headers, timeout=30)
        case.validate_response(answer, checks=CHECKS)

    def _name_own(self, case: _Case) -> None:
        """Put an existing vault into *case*, if it has one."""
        own = {"vault": self._vault, "item": self._push["item"], "team": "acme"}
        case.path_parameters |= {
            name: own.get(name, value) for name, value in case.path_parameters.items()
        }
        body: Any = case.body
        if isinstance(body, dict) and isinstance(body.get("vaults"), list):
            for vault in body["vaults"][:1]:
                if isinstance(vault, dict):
                    vault["id"] = self._vault


@pytest.fixture(scope="module")
def caller(postgres: str, template: str) -> Iterator[Caller]:
    """Return a user of a server for this module."""
    with ExitStack() as stack:
        url = stack.enter_context(scratch_database(postgres, template))
        settings = Settings(database_url=SecretStr(url), secret=SecretStr(SECRET))
        till = stack.enter_context(running(Till()))
        server = Server(
            settings.model_copy(
                update={
                    **selling(till.address),
                    "oidc_issuer": "https://127.0.0.1:9",
                    "clerk_webhook_secret": SecretStr("whsec_" + "c2VjcmV0" * 8),
                    **DOWN,
                }
            )
        )
        server.start()
        stack.callback(server.stop)
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        yield Caller(server, connection)


def _examine(name: str, caller: Caller, examples: int, **options: Any) -> None:
    operation = OPERATIONS[name]
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of([operation.as_strategy(mode) for mode in modes])

    @hypothesis_settings(
        max_examples=examples,
        suppress_health_check=[*HealthCheck],
        **options,
    )
    @given(cases, WAYS)
    def examine(case: _Case, way: Way) -> None:
        caller.try_out(case, way)

    examine()


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_documented(name: str, caller: Caller) -> None:
    _examine(name, caller, EXAMPLES, derandomize=True)


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_documented_at_length(name: str, caller: Caller) -> None:
    _examine(name, caller, SOAK_EXAMPLES, print_blob=True)
