"""Settings come from the environment, and an error never contains a value."""

import pytest

from promptvault.errors import InvalidInputError
from promptvault.server.postgres import database_choice


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove variables that the machine may have set."""
    for name in ("DATABASE_URL", "PROMPTVAULT_SERVER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_address_comes_from_the_flag_then_ours_then_everybodys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert database_choice.read_settings(None).database_url is None
    monkeypatch.setenv("DATABASE_URL", "postgresql:///everybody")
    assert database_choice.read_settings(None).address == "postgresql:///everybody"
    monkeypatch.setenv("PROMPTVAULT_SERVER_DATABASE_URL", "postgresql:///ours")
    assert database_choice.read_settings(None).address == "postgresql:///ours"
    assert (
        database_choice.read_settings("postgresql:///flag").address
        == "postgresql:///flag"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET", "too-short-a-secret"), ("POOL_SIZE", "0"), ("PUBLIC_URL", "a.b/c")],
)
def test_an_error_names_the_setting_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)
    with pytest.raises(InvalidInputError) as caught:
        database_choice.read_settings(None)
    assert f"PROMPTVAULT_SERVER_{name}" in str(caught.value)
    assert value not in str(caught.value) or name == "POOL_SIZE"


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("redis://redis.example.org", True),
        ("rediss://user:hidden@redis.example.org:6380/1", True),
        ("redis://[::1]:6379", True),
        ("unix:///run/redis.sock", True),
        ("http://hidden", False),
        ("redis://", False),
        ("redis://hidden:port", False),
        ("redis://:hid/den@redis.example.org", False),
    ],
)
def test_what_is_an_address_of_redis(
    monkeypatch: pytest.MonkeyPatch, url: str, is_one: bool
) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_REDIS_URL", url)
    if is_one:
        assert database_choice.read_settings(None).redis_url is not None
        return
    with pytest.raises(InvalidInputError) as caught:
        database_choice.read_settings(None)
    assert "hidden" not in str(caught.value)


def test_secrets_are_not_printed() -> None:
    assert "hidden" not in repr(
        database_choice.read_settings("postgresql://a:hidden@b/c")
    )


def test_a_database_without_a_secret_draws_one_for_all(database_url: str) -> None:
    first = database_choice.with_secret(database_choice.read_settings(database_url))
    assert (
        first.key
        == database_choice.with_secret(database_choice.read_settings(database_url)).key
    )
    assert len(first.key) >= 32


@pytest.mark.parametrize("name", ["DATABASE_URL", "LISTEN_URL"])
def test_what_is_no_address_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", "no address at all")
    with pytest.raises(InvalidInputError, match="postgresql://"):
        database_choice.read_settings(None)


def test_an_address_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "PROMPTVAULT_SERVER_DATABASE_URL"):
        monkeypatch.setenv(name, "")
    assert database_choice.read_settings("").database_url is None
    monkeypatch.setenv("DATABASE_URL", "postgresql:///everybody")
    assert database_choice.read_settings("").address == "postgresql:///everybody"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SECRET", "short", "it must have at least 32 characters."),
        ("PUBLIC_URL", "foo", "it must be as 'https://prompts.example.org'."),
    ],
)
def test_an_error_says_what_a_setting_must_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)
    with pytest.raises(InvalidInputError) as caught:
        database_choice.read_settings(None)
    setting = f"PROMPTVAULT_SERVER_{name}"
    assert str(caught.value) == f"{setting} cannot be used: {reason}"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql://ada:hidden@secret@h/db", "%40"),
        ("postgresql://ada:hidden#s@cret@h/db", "%23"),
        ("postgresql://ada:hidden/secret@h/db", "%2F"),
        ("postgresql://ada:hidden%secret@h/db", "%25"),
    ],
)
def test_a_password_that_ends_the_address_early_must_be_encoded(
    url: str, hint: str
) -> None:
    with pytest.raises(InvalidInputError, match="percent-encode") as caught:
        database_choice.read_settings(url)
    assert hint in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:p%40s%2Fs@h/db",
        "postgresql://ada:p#ss@h/db",
        "postgresql://ada@h/db?password=a@b",
        "host=h user=ada password='p@ss'",
    ],
)
def test_a_password_that_is_understood_is_let_be(url: str) -> None:
    assert database_choice.read_settings(url).address == url


def test_a_public_address_has_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_PUBLIC_URL", "https://example.org/prompts")
    with pytest.raises(InvalidInputError, match="a path is not supported"):
        database_choice.read_settings(None)
    monkeypatch.setenv("PROMPTVAULT_SERVER_PUBLIC_URL", "https://example.org/")
    assert database_choice.read_settings(None).public_url == "https://example.org"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("OIDC_ISSUER", "http://sign-in.example.org", "https"),
        ("OIDC_ISSUER", "https://example.org/?tenant=a", "https"),
        ("OIDC_CLIENT_ID", "promptvault", "OIDC_ISSUER"),
        ("CLERK_WEBHOOK_SECRET", f"whsec_{'a' * 32}", "OIDC_ISSUER"),
    ],
)
def test_a_provider_is_named_whole(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)
    with pytest.raises(InvalidInputError, match=word) as caught:
        database_choice.read_settings(None)
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_é", "no base64!"]
)
def test_webhooks_are_signed_with_a_real_secret(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_OIDC_ISSUER", "https://example.org/")
    monkeypatch.setenv("PROMPTVAULT_SERVER_CLERK_WEBHOOK_SECRET", secret)
    with pytest.raises(InvalidInputError):
        database_choice.read_settings(None)
    monkeypatch.setenv("PROMPTVAULT_SERVER_CLERK_WEBHOOK_SECRET", "")
    assert database_choice.read_settings(None).clerk_webhook_secret is None


def test_a_provider_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "OIDC_ISSUER": "https://example.org/tenant",
        "OIDC_CLIENT_ID": "promptvault",
        "OIDC_CLIENT_SECRET": "hidden",
        "OIDC_ALLOWED_AZP": "front, back,",
        "CLERK_WEBHOOK_SECRET": f"whsec_{'a' * 32}",
        "SIGN_UP": "closed",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)
    settings = database_choice.read_settings(None)
    assert settings.oidc_issuer == "https://example.org/tenant"
    assert settings.oidc_allowed_azp == {"front", "back"}
    assert settings.sign_up == "closed"
    assert "hidden" not in repr(settings)
    assert "whsec_" not in repr(settings)
