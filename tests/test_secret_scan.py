"""Texts that count as pasted secrets, and texts that do not.

The keys are composed at run time, so that no scanner reports this file.
"""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault import secret_rules
from promptvault.domain.secret import Secret
from promptvault.secret_scan import (
    ALLOWED,
    find_secrets,
    may_hold_secrets,
    redacted,
)

LETTERS = "aB3dE6gH9kLm2pQr5tUv8xYzC4fJ7nWs"


def letters(count: int) -> str:
    """Return *count* characters that look random."""
    return (LETTERS * (count // len(LETTERS) + 1))[:count]


def web_token() -> str:
    """Return a JSON Web Token."""
    parts = ({"alg": "HS256"}, {"sub": "1234", "admin": True})
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), letters(43)])


KEYS = {
    "AWS Access Key": "AK" + "IA" + "QWERTYUIOPASDFGH",
    "Anthropic API Key": "sk-" + "ant-api03-" + letters(93),
    "Azure Storage Account access key": "Account" + "Key=" + letters(88),
    "Basic Auth Credentials": "postgres" + "://app:" + "h4nter2" + "@db.intern/app",
    "Discord Bot Token": "M" + letters(23) + "." + letters(6) + "." + letters(27),
    "GitHub Token": "gh" + "p_" + letters(36),
    "GitLab Token": "gl" + "pat-" + letters(20),
    "Google API Key": "AI" + "za" + letters(35),
    "Hugging Face Token": "h" + "f_" + letters(34),
    "JSON Web Token": web_token(),
    "Mailchimp Access Key": "0123456789abcdef" * 2 + "-us" + "12",
    "NPM tokens": "//packages.intern/:_auth" + "Token=npm" + "_" + letters(36),
    "OpenAI Token": "sk-" + letters(20) + "T3Blbk" + "FJ" + letters(20),
    "OpenRouter API Key": "sk-" + "or-v1-" + "0123456789abcdef" * 4,
    "Private Key": "-----BEGIN RSA PRI" + "VATE KEY-----",
    "PyPI Token": "py" + "pi-AgEIcHlwaS5vcmc" + letters(80),
    "SendGrid API Key": "S" + "G." + letters(22) + "." + letters(43),
    "Slack Token": "xo" + "xb-123456789012-" + "abcdef123456",
    "Square OAuth Secret": "sq0" + "csp-" + letters(43),
    "Stripe Access Key": "sk_" + "live_" + letters(24),
    "Telegram Bot Token": "110201543" + ":" + letters(35),
    "Twilio API Key": "S" + "K" + "0123456789abcdef" * 2,
}


@pytest.mark.parametrize("kind", KEYS)
def test_finds_a_key_in_the_middle_of_prose(kind: str) -> None:
    text = f"Dear model,\nplease call it with {KEYS[kind]} today.\nThanks!"
    assert Secret(kind, 2) in find_secrets(text)


@pytest.mark.parametrize(
    ("kind", "start"),
    [("OpenAI Token", "sk-" + "proj-"), ("GitHub Token", "github" + "_pat_")],
)
def test_finds_the_newer_forms_of_a_key(kind: str, start: str) -> None:
    assert find_secrets(f"key: {start}{letters(80)}") == [Secret(kind, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "The password is hunter2, said the API key to the secret token.",
        'password = "correct horse battery staple"\nAPI_KEY = os.environ["API_KEY"]',
        "commit 9fceb02d0ae598e95dc970b74767f19372d6f5a5, id "
        "123e4567-e89b-12d3-a456-426614174000",
        "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAUA" * 40,
        "See https://example.com/a:b@c and mail me@example.com",
        "用日语写一封邮件。密码是秘密。",
        "",
    ],
)
def test_lets_prose_and_code_be(text: str) -> None:
    assert find_secrets(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "AK" + "IA" + "IOSFODNN7EXAMPLE",
        "sk_" + "live_" + "x" * 24,
        "sk-" + "ant-api03-your-key-goes-here-and-nowhere-else-really",
        "postgres" + "://user:" + "password" + "@localhost/app",
        "postgres" + "://app:" + "app" + "@localhost/app",
        "https" + "://<user>:<token>" + "@github.com/me/it",
        "https" + "://me:{{token}}" + "@github.com/me/it",
        "https://hooks.slack.com/services/T" + "00000000/B00000000/XXXXXXXXXXXX",
    ],
)
def test_lets_placeholders_of_documentation_be(text: str) -> None:
    assert find_secrets(text) == []


def test_counts_a_type_once_a_line() -> None:
    key, other = KEYS["GitHub Token"], KEYS["AWS Access Key"]
    text = f"{key} {key}\n\n{key} {other}\n"
    assert find_secrets(text) == [
        Secret("GitHub Token", 1),
        Secret("AWS Access Key", 3),
        Secret("GitHub Token", 3),
    ]


@pytest.mark.parametrize("before", [8_150, 8_190, 10_230, 16_380, 100_000])
def test_finds_a_key_anywhere_in_a_long_text(before: int) -> None:
    text = "x y\n" * (before // 4) + KEYS["GitHub Token"] + "\nx y" * 5_000
    assert find_secrets(text) == [Secret("GitHub Token", before // 4 + 1)]


def test_a_line_can_be_allowed() -> None:
    key = KEYS["Stripe Access Key"]
    text = f"{key}  # {ALLOWED}\n{key}"
    assert find_secrets(text) == [Secret("Stripe Access Key", 2)]


def test_asks_no_service_whether_a_key_works(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("A key was sent to somebody.")

    monkeypatch.setattr("requests.sessions.Session.request", refuse)
    assert len(find_secrets("\n".join(KEYS.values()))) >= len(KEYS)


def test_redacts_a_token_of_npm_but_not_the_rest_of_its_line() -> None:
    text = f"See https://a.example/x; {KEYS['NPM tokens']}. Then publish it."
    found = redacted(text)
    assert found.startswith("See https://a.example/x; //packages.intern/")
    assert found.endswith("[redacted: NPM tokens]. Then publish it.")


@pytest.mark.parametrize("kind", sorted(set(KEYS) - {"Basic Auth Credentials"}))
def test_finds_a_key_with_no_space_around_it(kind: str) -> None:
    assert Secret(kind, 1) in find_secrets(f"用{KEYS[kind]}登录")


@given(
    st.lists(st.sampled_from([*KEYS.values(), "aaaaaaa", "-", "_", " ", "é", "://u:"]))
)
def test_holds_no_key_when_it_was_redacted(parts: list[str]) -> None:
    assert find_secrets(redacted("".join(parts))) == []


@pytest.mark.parametrize("kind", KEYS)
def test_redacts_all_of_a_key_and_nothing_else(kind: str) -> None:
    text = f"Dear model,\nplease call it with {KEYS[kind]}\nThanks!"
    clean = redacted(text)
    assert clean.startswith("Dear model,\nplease call it with ")
    assert clean.endswith("\nThanks!")
    assert f"[redacted: {kind}]" in clean
    assert find_secrets(clean) == []
    assert not any(part in clean for part in KEYS[kind].split(".") if len(part) > 20)


def test_redacts_the_lines_of_a_private_key_and_leaves_the_prose() -> None:
    lines = [letters(64)] * 5 + ["aB3dE6=="]
    head, end = "-----BEGIN RSA PRI" + "VATE KEY-----", "-----END RSA PRIVATE KEY-----"
    info = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0011", ""]
    for key in ([head, *lines, end], [head, *info, *lines, end], [head, *lines[:5]]):
        text = "\n".join(["Mend this:", *key, "", "Thanks", "Note: hurry."])
        clean = redacted(text)
        assert clean.startswith("Mend this:\n")
        assert clean.endswith("[redacted: Private Key]\n\nThanks\nNote: hurry.")


def test_redacts_a_password_and_keeps_its_address() -> None:
    text = f"connect to {KEYS['Basic Auth Credentials']} please"
    clean = redacted(text)
    assert clean == (
        "connect to postgres://app:[redacted: Basic Auth Credentials]@db.intern/app"
        " please"
    )


def test_redacts_what_overlaps_once() -> None:
    key = KEYS["GitHub Token"]
    mark = "[redacted: GitHub Token]"
    assert redacted(f"{key}\n{key}") == f"{mark}\n{mark}"


@pytest.mark.parametrize("kind", KEYS)
def test_the_quick_look_overlooks_no_kind_of_key(kind: str) -> None:
    assert may_hold_secrets(f"é {KEYS[kind]} 密")


@given(st.text("0123456789abcdef-", min_size=20, max_size=80))
def test_an_id_is_no_key(text: str) -> None:
    assert not may_hold_secrets(text)
    assert not list(secret_rules.find_spans(text))


def test_prose_needs_no_more_than_the_quick_look() -> None:
    assert not may_hold_secrets("A paragraph of prose, with words-and-dashes. " * 50)
