"""A server with a model of its own, which is a real socket, and an account on Pro."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.ai.settings import AiSettings
from tests.model_server import ModelServer
from tests.server.conftest import EMAIL, Server

PATH = "/v1/ai/chat/completions"
UPSTREAM_KEY = "sk-of-the-operator"
UPSTREAM_MODEL = "upstream-model"
PRICE = (1.0, 2.0)
"""Micro-USD for a token of the request and of the answer."""

Connection = psycopg.Connection[Any]


def hosted(upstream: ModelServer | str, **changes: object) -> dict[str, Any]:
    """Return the settings of a server with a model of its own, by its address."""
    given = {
        "ai_base_url": upstream if isinstance(upstream, str) else upstream.url,
        "ai_api_key": UPSTREAM_KEY,
        "ai_model": UPSTREAM_MODEL,
        "ai_price_input": PRICE[0],
        "ai_price_output": PRICE[1],
        "ai_cap_instance": 100.0,
    }
    return dict(AiSettings.model_validate(given | changes))


DOWN = hosted("http://127.0.0.1:9/v1")
"""The settings of a server whose model does not answer."""


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Return the operator's model, which answers."""
    started = ModelServer()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def server(start_server: Callable[..., Server], model: ModelServer) -> Server:
    """Return a server with a model of its own."""
    return start_server(**hosted(model))


@pytest.fixture
def token(admin: Admin, request: pytest.FixtureRequest) -> str:
    """Return a token of an account to which the operator has given Pro, or a plan that
    the test names.
    """
    admin.add_user(EMAIL, getattr(request, "param", Tier.PRO))
    return admin.issue_token(EMAIL, "test")


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """Return a connection to the server's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def body(text: str = "Improve this.", **more: Any) -> dict[str, Any]:
    """Return a request with one message."""
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 100, **more}


@dataclass
class Asker:
    """A device that asks the server's model."""

    client: httpx.Client
    _keys: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, text: str = "Improve this.", **more: Any) -> httpx.Response:
        """Send a request; *headers* are added to those of every request."""
        headers = {"PV-Task": "optimize", **more.pop("headers", {})}
        return self.client.post(PATH, json=body(text, **more), headers=headers)

    def once(self, key: str, text: str = "Improve this.", **more: Any) -> Any:
        """Send a request with a key."""
        return self.ask(text, headers={"Idempotency-Key": key}, **more)

    def usage(self) -> dict[str, Any]:
        """Return what was used this month."""
        found: dict[str, Any] = self.client.get("/v1/ai/usage").json()
        return found


@pytest.fixture
def asker(client: httpx.Client) -> Asker:
    """Return a device of an account on Pro."""
    return Asker(client)


def operation() -> str:
    """Return the id of a new optimization."""
    return str(uuid4())
