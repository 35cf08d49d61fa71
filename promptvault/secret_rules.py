"""Patterns of keys and passwords, from the library `detect_secrets`.

This is the only module that imports the library. Only the patterns of its plugins are
used; their `verify` would send a secret to the service that it belongs to.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from promptvault.domain.secret import SecretSpan


class _Rule(NamedTuple):
    """The patterns of one type of secret."""

    type: str
    patterns: tuple[re.Pattern[str], ...]
    matches: Callable[[str], Iterable[str]]
    """Returns the secrets in a match; empty if the library rejects it."""


# Plugins that guess by entropy or by words such as "password" are left out: prose and
# code in prompts have both. So is npm's, which takes the rest of the line as the token.
_PLUGINS: tuple[RegexBasedDetector, ...] = (
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    BasicAuthDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    JwtTokenDetector(),
    MailchimpDetector(),
    OpenAIDetector(),
    PrivateKeyDetector(),
    PypiTokenDetector(),
    SendGridDetector(),
    SlackDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)

# Frequent kinds of keys that the library (1.5) does not know.
_MORE = {
    "Anthropic API Key": r"sk-ant-[a-z0-9]+-[\w-]{32,}",
    "GitHub Token": r"github_pat_\w{40,}",
    "Google API Key": r"\bAIza[\w-]{35}",
    # The library requires a following space, which some scripts do not have.
    "GitLab Token": r"\b(?:glpat|gldt|glft|glsoat|glrt)-[\w-]{20,}",
    "Hugging Face Token": r"\bhf_[A-Za-z0-9]{30,}",
    "NPM tokens": r"\bnpm_[A-Za-z0-9]{36,}|_authToken=\s*[A-Fa-f0-9-]{36}",
    "OpenAI Token": r"\bsk-(?:proj|svcacct|admin)-[\w-]{40,}",
    "OpenRouter API Key": r"\bsk-or-v1-[0-9a-f]{32,}",
}

_RULES = (
    *(_Rule(p.secret_type, tuple(p.denylist), p.analyze_string) for p in _PLUGINS),
    *(
        _Rule(kind, (re.compile(text, re.ASCII),), lambda match: (match,))
        for kind, text in _MORE.items()
    ),
)

# Documentation writes AKIA…EXAMPLE, sk_live_xxxxxxxx and postgres://user:password@.
_PLACEHOLDER = re.compile(
    r"example|placeholder|your|dummy|(.)\1{5}|[<{*…]|\.{3}|://([^:/]+):\2@"
    r"|:(?:password|passwd|pass|pwd|pw|secret|token|key|changeme|test|x+)@$",
    re.IGNORECASE,
)

_STEP, _OVERLAP = 8192, 2048
"""Characters of a window; some patterns take quadratic time in adversarial texts."""

_URL_PASSWORD = "Basic Auth Credentials"
_PRIVATE_KEY = "Private Key"
# Some patterns match only the beginning of a secret.
_REST = re.compile(r"(?:[\w=/+-]|\.(?=[\w-]))*", re.ASCII)
_BASE64 = r"[A-Za-z0-9+/=]"
_KEY_BLOCK = re.compile(
    r"[^\n]*(?:\r?\n(?:"
    r"(?:Proc-Type|DEK-Info|Comment|Version|Encryption|P\w+-(?:Lines|MAC)): [^\n]*|"
    rf"{_BASE64}{{16,}}|(?=\r?\n{_BASE64}{{16}})))*"
    rf"(?:(?:\r?\n{_BASE64}{{1,15}})?\r?\n-{{5}}END [^\n]*)?"
)


def find_spans(text: str) -> Iterator[SecretSpan]:
    """Yield the spans of the likely secrets in *text*; one may come more than once."""
    for start in range(0, max(1, len(text) - _OVERLAP), _STEP):
        window = text[start : start + _STEP + _OVERLAP]
        for rule in _RULES:
            for match in _matches(rule, window):
                yield _whole(rule.type, text, match, start)


def _matches(rule: _Rule, text: str) -> Iterator[re.Match[str]]:
    for pattern in rule.patterns:
        for match in pattern.finditer(text):
            if not _PLACEHOLDER.search(match[0]) and any(rule.matches(match[0])):
                yield match


def _whole(type_: str, text: str, match: re.Match[str], offset: int) -> SecretSpan:
    """Return the span of the whole secret of which *match* found a part."""
    if type_ == _URL_PASSWORD:
        start, end = match.span(1)
        return SecretSpan(type_, offset + start, offset + end)
    more = _KEY_BLOCK if type_ == _PRIVATE_KEY else _REST
    found = more.match(text, offset + match.end())
    end = found.end() if found else offset + match.end()
    start = offset + match.start()
    if type_ == _PRIVATE_KEY:
        start = len(text[:start].rstrip("-"))
    return SecretSpan(type_, start, end)
