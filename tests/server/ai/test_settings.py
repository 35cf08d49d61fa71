"""Settings of the server's model: a whole group, or none."""

import pytest

from promptvault.errors import InvalidInputError
from promptvault.server.postgres import database_choice
from promptvault.server.settings import Settings

WHOLE = {
    "BASE_URL": "https://api.openai.com/v1",
    "API_KEY": "sk-of-the-operator",
    "MODEL": "gpt-4o-mini",
    "CAP_INSTANCE": "100",
}
FALLBACK = {
    "FALLBACK_BASE_URL": "https://api.example.org/v1",
    "FALLBACK_API_KEY": "sk-other",
    "FALLBACK_MODEL": "other-model",
}
PRICES = {"PRICE_INPUT": "0.5", "PRICE_OUTPUT": "2"}


def _read(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(f"PROMPTVAULT_SERVER_AI_{name}", value)
    return database_choice.read_settings("postgresql:///")


@pytest.mark.parametrize("missing", WHOLE)
def test_half_a_group_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    given = {name: value for name, value in WHOLE.items() if name != missing}
    with pytest.raises(InvalidInputError, match=f"_AI_{missing} must be set") as caught:
        _read(monkeypatch, given)
    assert "sk-of" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({**WHOLE, "FALLBACK_MODEL": "x"}, "FALLBACK_BASE_URL"),
        ({**WHOLE, "PRICE_INPUT": "1"}, "PRICE_OUTPUT"),
        ({**FALLBACK, **PRICES}, "BASE_URL"),
        ({**WHOLE, "MODEL": "a-model-of-no-list"}, "PRICE_INPUT"),
        ({**WHOLE, "BASE_URL": "http://127.0.0.1:1/v1", "MODEL": "x"}, "PRICE_INPUT"),
        ({**WHOLE, **FALLBACK}, "FALLBACK_MODEL"),
        ({**WHOLE, "BASE_URL": "api.example.org"}, "BASE_URL"),
    ],
)
def test_what_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    with pytest.raises(InvalidInputError, match=missing) as caught:
        _read(monkeypatch, given)
    assert "example.org" not in str(caught.value).replace("https://api.example.org", "")


def test_prices_are_found_or_given(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = _read(monkeypatch, WHOLE)
    (target,) = listed.ai_targets()
    assert target.price == (0.15, 0.6)
    both = _read(monkeypatch, {**FALLBACK, **PRICES})
    assert [each.price for each in both.ai_targets()] == [(0.5, 2), (0.5, 2)]
    assert "sk-of" not in repr(both)
    assert "openai" not in repr(both)


def test_without_settings_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _read(monkeypatch, dict.fromkeys(WHOLE, "")).has_ai
