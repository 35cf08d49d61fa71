"""Settings have only values that can be used, and a refusal never quotes one."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.errors import InvalidInputError
from promptvault.setting_key import (
    KEYS,
    SettingKey,
    SettingKind,
    check_setting,
    find_key,
)

SECRET = "sk-secret-of-the-test"


@pytest.mark.parametrize(
    "value",
    [
        "http://localhost:11434/v1",
        "https://user:pass@host.example/v1",
        "HTTPS://API.Example.COM",
        "http://[::1]:8080/v1",
        "http://my_host./v1",
        "https://a.example/v1?api-version=2026-01-01",
    ],
)
def test_good_urls(value: str) -> None:
    assert check_setting(find_key("ai.base_url"), f" {value}/ ") == value


@pytest.mark.parametrize(
    "value",
    [
        "api.example.com/v1",
        "ftp://example.com",
        "https:///v1",
        "https://:80",
        "https://host:port/v1",
        "https://host:99999/v1",
        "https://a b/v1",
        "https://a/v1#x",
        "https://[::1/v1",
        "https://a..b/v1",
        "https://" + "a" * 64 + ".example",
        "https://a\tb",
        "https://exämple.org",
        "file:///etc/passwd",
    ],
)
def test_bad_urls(value: str) -> None:
    with pytest.raises(InvalidInputError, match="OPENAI_BASE_URL") as raised:
        check_setting(find_key("ai.base_url"), value, "OPENAI_BASE_URL")
    assert value not in str(raised.value)


@given(st.text())
def test_a_url_that_is_taken_can_be_asked(value: str) -> None:
    try:
        url = check_setting(find_key("ai.base_url"), f"https://{value}")
    except InvalidInputError:
        return
    assert httpx.URL(url.partition("?")[0] + "/chat/completions").host


@pytest.mark.parametrize(
    "value", ["", " ", "a b", f"{SECRET}\nsk-2", "schlüssel", "a\0b", "“quoted”"]
)
def test_bad_keys(value: str) -> None:
    with pytest.raises(InvalidInputError, match="OPENAI_API_KEY") as raised:
        check_setting(find_key("ai.api_key"), value, "OPENAI_API_KEY")
    assert SECRET not in str(raised.value)


@given(st.text())
def test_a_key_that_is_taken_can_stand_in_a_header(value: str) -> None:
    try:
        key = check_setting(find_key("ai.api_key"), value)
    except InvalidInputError:
        return
    headers = httpx.Headers({"Authorization": f"Bearer {key}"})
    assert headers["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_a_default_is_a_value_it_can_have(key: SettingKey) -> None:
    if key.default:
        assert check_setting(key, key.default) == key.default


def test_every_key_named_so_is_secret() -> None:
    assert {key.name for key in KEYS.values() if key.kind is SettingKind.SECRET} == {
        key.name for key in KEYS.values() if key.name.endswith("key")
    }
