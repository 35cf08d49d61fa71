"""The key of a cached answer: everything that can change it, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Answer, Message, Request, Role, Schema, Usage
from promptvault.providers.endpoint import Endpoint
from promptvault.services.asking.cache import AnswerCache
from promptvault.vault.activity.response_cache import ResponseCache
from tests.conftest import NOON
from tests.model_kit import KEY, PASSWORD, user

URL = "https://models.example/v1"
HERE = Endpoint(URL, "m")


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    """Return an empty cache."""
    return AnswerCache(ResponseCache(tmp_path / "responses.db"), lambda: NOON)


def answer(text: str = "Yes.", **more: Any) -> Answer:
    """Return an answer from HERE."""
    return Answer(text, "m", URL, Usage(1, 2), 0.5, 1.5, **more)


def test_the_same_request_has_the_same_answer(cache: AnswerCache) -> None:
    request = user(temperature=0.5, max_tokens=9, schema=Schema("s", {"type": "null"}))
    cache.add(request, answer(is_cut=True, first_seconds=0.1))

    again = user(temperature=0.5, max_tokens=9, schema=Schema("s", {"type": "null"}))
    found = cache.find(HERE, again)

    assert found == answer(is_cut=True, cached=True)._replace(cost=0.0)


SYSTEM = Message(Role.SYSTEM, "Hello?")


@pytest.mark.parametrize(
    "other",
    [
        user("Hello? "),
        user("hello?"),
        Request((SYSTEM,)),
        Request((SYSTEM, Message(Role.USER, "Hello?"))),
        Request((Message(Role.USER, "Hello?"),) * 2),
        user(temperature=0.0),
        user(temperature=1.0),
        user(max_tokens=1),
        user(schema=Schema("a", {})),
        user(schema=Schema("a", {"type": "object"})),
        user(schema=Schema("b", {})),
    ],
    ids=str,
)
def test_another_request_has_another_answer(cache: AnswerCache, other: Request) -> None:
    cache.add(user(), answer())

    assert cache.find(HERE, other) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        Endpoint(URL, "n"),
        Endpoint("https://models.example:444/v1", "m"),
        Endpoint("https://models.example/v2", "m"),
        Endpoint("http://models.example/v1", "m"),
        Endpoint("https://other.example/v1", "m"),
    ],
    ids=lambda endpoint: f"{endpoint.public_url} {endpoint.model}",
)
def test_another_model_has_another_answer(
    cache: AnswerCache, elsewhere: Endpoint
) -> None:
    cache.add(user(), answer())

    assert cache.find(elsewhere, user()) is None


def test_another_key_has_the_same_answer(cache: AnswerCache) -> None:
    cache.add(user(), answer())
    url = f"https://me:{PASSWORD}@models.example/v1"

    assert cache.find(Endpoint(url, "m", KEY, timeout=1), user())


def test_an_answer_cut_by_what_is_no_part_of_the_request(cache: AnswerCache) -> None:
    cache.add(user(), answer(is_cut=True))

    assert cache.find(HERE, user()) is None


def test_an_answer_from_the_cache_is_not_kept_anew(cache: AnswerCache) -> None:
    cache.add(user(), answer(cached=True))

    assert cache.find(HERE, user()) is None


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_can_be_asked_and_answered(
    tmp_path_factory: pytest.TempPathFactory, asked: str, said: str
) -> None:
    path = tmp_path_factory.mktemp("cache") / "responses.db"
    cache = AnswerCache(ResponseCache(path), lambda: NOON)

    cache.add(user(asked), answer(said))

    found = cache.find(HERE, user(asked))
    assert found is not None
    assert found.text == said
