"""Prices of models, and that no name breaks the look-up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Price
from promptvault.providers.endpoint import OPENAI_URL, Endpoint
from promptvault.providers.price import find_price


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (OPENAI_URL, "gpt-4o-mini"),
        ("https://gateway.example/v1", "gpt-4o-mini"),
        ("https://openrouter.ai/api/v1", "openai/gpt-4o-mini"),
    ],
)
def test_a_known_model_has_the_price_of_the_list(url: str, model: str) -> None:
    price = find_price(Endpoint(url, model))

    assert price == pytest.approx(Price(0.15, 0.6))


def test_a_model_on_this_computer_is_free() -> None:
    assert find_price(Endpoint("http://localhost:11434/v1", "llama-x")) == Price(0, 0)


@pytest.mark.parametrize("url", [OPENAI_URL, "https://gateway.example/v1"])
def test_an_unknown_model_has_no_price(url: str) -> None:
    assert find_price(Endpoint(url, "no-such-model")) is None


@given(st.text(), st.sampled_from([OPENAI_URL, "https://x.example/v1?a=b"]))
def test_any_name_has_a_price_or_none(name: str, url: str) -> None:
    price = find_price(Endpoint(url, name))

    assert price is None or min(price) >= 0
