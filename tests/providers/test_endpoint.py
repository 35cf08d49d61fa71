"""The endpoint of a model: what a URL means, and which part of it may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.errors import InvalidInputError
from promptvault.providers.endpoint import OPENAI_URL, Endpoint
from tests.model_kit import KEY, PASSWORD


def at(url: str, key: str = "") -> Endpoint:
    """Return an endpoint."""
    return Endpoint(url, "m", key)


@pytest.mark.parametrize(
    ("url", "host", "server", "public"),
    [
        (OPENAI_URL, "api.openai.com", "api.openai.com", OPENAI_URL),
        (
            "http://localhost:11434/v1",
            "localhost",
            "localhost:11434",
            "http://localhost:11434/v1",
        ),
        (
            f"https://me:{PASSWORD}@models.example:8443/v1?token={KEY}#x",
            "models.example",
            "models.example:8443",
            "https://models.example:8443/v1",
        ),
        ("http://[::1]:8080/v1", "::1", "[::1]:8080", "http://[::1]:8080/v1"),
        ("HTTPS://Models.Example", "models.example", "models.example", None),
    ],
)
def test_a_url_is_shown_without_its_secrets(
    url: str, host: str, server: str, public: str | None
) -> None:
    endpoint = at(url)

    assert (endpoint.host, endpoint.server) == (host, server)
    assert endpoint.public_url == public or public is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "ftp://models.example",
        "file:///etc/passwd",
        "http://",
        "https:///v1",
        "http://:80/v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://ho st/v1",
        "http://host/v1\r\nX-Injected: 1",
        "http://host\x00/v1",
    ],
)
def test_a_url_that_cannot_be_one(url: str) -> None:
    with pytest.raises(InvalidInputError, match="https:// or http://"):
        at(url)


@pytest.mark.parametrize("key", ["sk-ä", "sk a", "sk\n", "sk\x7f", "“sk”"])
def test_a_key_that_no_header_can_hold_is_refused_unquoted(key: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        at(OPENAI_URL, key)

    assert key not in str(caught.value)


@given(st.text())
def test_any_url_is_usable_or_refused(text: str) -> None:
    try:
        endpoint = at(f"http://{text}")
    except InvalidInputError:
        return
    assert endpoint.host
    assert endpoint.public_url.startswith("http://")
    assert endpoint.server


def test_its_description_keeps_the_secrets() -> None:
    described = repr(at(f"https://me:{PASSWORD}@models.example/v1", KEY))

    assert KEY not in described
    assert PASSWORD not in described


@pytest.mark.parametrize(
    ("url", "is_local", "needs_key", "limit_name"),
    [
        (OPENAI_URL, False, True, "max_completion_tokens"),
        ("https://openai.com/v1", False, True, "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", False, True, "max_completion_tokens"),
        ("https://x.openai.azure.com/openai/v1", False, True, "max_completion_tokens"),
        ("https://not-openai.com/v1", False, False, "max_tokens"),
        ("https://openai.com.evil.example/v1", False, False, "max_tokens"),
        ("https://openrouter.ai/api/v1", False, False, "max_tokens"),
        ("http://localhost:11434/v1", True, False, "max_tokens"),
        ("http://127.0.0.1:8080/v1", True, False, "max_tokens"),
        ("http://models.localhost/v1", True, False, "max_tokens"),
        ("http://localhost.evil.example/v1", False, False, "max_tokens"),
        ("http://127.0.0.1@evil.example/v1", False, False, "max_tokens"),
    ],
)
def test_a_host_is_known_by_its_whole_name(
    url: str, is_local: bool, needs_key: bool, limit_name: str
) -> None:
    endpoint = at(url)

    assert (endpoint.is_local, endpoint.needs_key) == (is_local, needs_key)
    assert endpoint.limit_name == limit_name
