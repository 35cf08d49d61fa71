"""A model as commands use it, and what tests check besides its answers."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from promptvault.domain.chat import Answer, Message, Price, Request, Role
from promptvault.providers.endpoint import Endpoint
from promptvault.services.asking.budget import Budget
from promptvault.services.asking.model import Model, ModelContext
from promptvault.vault.activity.response_cache import CacheStatistics, ResponseCache
from promptvault.vault.activity.spending import Spending
from tests.conftest import NOON
from tests.model_server import MODEL

KEY = "sk-3Zq9LmW7vT1xR5"
PASSWORD = "hunter2hunter2"
PRICE = Price(1, 10)
"""US dollars for a million tokens."""

MILLION = 1_000_000
ANSWER_COST = (20 * PRICE.input + 10 * PRICE.output) / MILLION
"""Price of the server's usual answer, in US dollars."""


def user(text: str = "Hello?", **more: Any) -> Request:
    """Return a request of one message."""
    return Request((Message(Role.USER, text),), **more)


Way = Callable[[Model, Request], Answer]


def ask(model: Model, request: Request) -> Answer:
    """Ask for the whole answer."""
    return model.ask(request)


def stream(model: Model, request: Request) -> Answer:
    """Ask for the answer in pieces, which must be its text."""
    pieces: list[str] = []
    answer = model.stream(request, pieces.append)
    assert "".join(pieces) == answer.text
    return answer


@dataclass
class Kit:
    """The files of a model, its messages and its pauses."""

    folder: Path
    now: Callable[[], datetime] = lambda: NOON
    told: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        """The file of the cache."""
        return self.folder / "responses.db"

    @property
    def activity(self) -> Path:
        """The file of the record."""
        return self.folder / "activity.db"

    def budget(self, **limits: Any) -> Budget:
        """Return a budget with its record in the folder."""
        return Budget(Spending(self.activity), "test", self.now, **limits)

    def model(
        self,
        *urls: str,
        key: str = "",
        timeout: float = 5,
        price: Price | None = PRICE,
        limits: dict[str, float] | None = None,
        retries: int = 2,
        **more: Any,
    ) -> Model:
        """Return a model on the servers at *urls*; its pauses are only recorded."""
        endpoints = [
            Endpoint(url, MODEL, key if n == 0 else "", timeout)
            for n, url in enumerate(urls)
        ]
        context = ModelContext(
            ResponseCache(self.cache),
            self.budget(**limits or {}),
            lambda _: price,
            self.now,
            self.told.append,
            retries=retries,
            sleep=self.waits.append,
            **more,
        )
        return Model(endpoints, context)

    @property
    def requests(self) -> list[tuple[int, int, float, int]]:
        """The record: tokens sent and received, US dollars, whether it is settled."""
        return self._rows(
            "SELECT input_tokens, output_tokens, cost, settled FROM requests"
        )

    def _rows(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.activity)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    @property
    def kept(self) -> CacheStatistics:
        """The entries of the cache."""
        return ResponseCache(self.cache).statistics()

    def holds(self, words: Sequence[str]) -> bool:
        """Return True if a file in the folder, or a message, has one of *words*."""
        files = b"".join(p.read_bytes() for p in self.folder.rglob("*") if p.is_file())
        told = "\n".join(self.told)
        return any(word in told or word.encode() in files for word in words)
