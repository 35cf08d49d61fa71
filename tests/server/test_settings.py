"""Settings come from the environment, and an error never quotes one."""

import pytest

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server import hosting


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine may have set."""
    for name in ("DATABASE_URL", "PROMPTVAULT_SERVER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_address_comes_from_the_flag_then_ours_then_everybodys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert hosting.read(None).database_url is None
    monkeypatch.setenv("DATABASE_URL", "postgresql:///everybody")
    assert hosting.read(None).address == "postgresql:///everybody"
    monkeypatch.setenv("PROMPTVAULT_SERVER_DATABASE_URL", "postgresql:///ours")
    assert hosting.read(None).address == "postgresql:///ours"
    assert hosting.read("postgresql:///flag").address == "postgresql:///flag"


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET", "too-short-a-secret"), ("POOL_SIZE", "0"), ("PUBLIC_URL", "http://a/")],
)
def test_an_error_names_the_setting_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)
    with pytest.raises(InvalidInputError) as caught:
        hosting.read(None)
    assert f"PROMPTVAULT_SERVER_{name}" in str(caught.value)
    assert value not in str(caught.value) or name == "POOL_SIZE"


def test_secrets_are_not_printed() -> None:
    assert "hidden" not in repr(hosting.read("postgresql://a:hidden@b/c"))


def test_a_database_without_a_secret_draws_one_for_all(database_url: str) -> None:
    first = hosting.with_secret(hosting.read(database_url))
    assert first.key == hosting.with_secret(hosting.read(database_url)).key
    assert len(first.key) >= 32


def test_what_is_no_address_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        hosting.with_secret(hosting.read("no address at all"))
