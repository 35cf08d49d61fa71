"""Finding keys and passwords that were pasted into a text, by what they look like.

The only module that knows `detect_secrets`. Its plugins are used for their patterns
alone: their `verify` would send what was found to the service that it belongs to.
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
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

ALLOWED = "pragma: allowlist secret"
"""Anywhere in a line, this says that what looks like a secret there is none."""


class Secret(NamedTuple):
    """A likely secret: what it is and where, never the secret itself."""

    type: str
    line: int
    """Counted from 1."""


class _Rule(NamedTuple):
    """What one type of secret looks like."""

    type: str
    patterns: tuple[re.Pattern[str], ...]
    matches: Callable[[str], Iterable[str]]
    """What the library makes of a match; nothing when it is none after all."""


# No plugin that guesses by randomness or by words such as "password": prose and code
# in prompts are full of both.
_PLUGINS: tuple[RegexBasedDetector, ...] = (
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    BasicAuthDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    JwtTokenDetector(),
    MailchimpDetector(),
    NpmDetector(),
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

# What people paste next to prompts most, and the library (1.5) does not know.
_MORE = {
    "Anthropic API Key": r"sk-ant-[a-z0-9]+-[\w-]{32,}",
    "GitHub Token": r"github_pat_\w{40,}",
    "Google API Key": r"\bAIza[\w-]{35}",
    "Hugging Face Token": r"\bhf_[A-Za-z0-9]{30,}",
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
"""Some patterns take the square of a text's length, where it was made for that."""


def find_secrets(text: str) -> list[Secret]:
    """Return the likely secrets in *text*, by line; one of each type a line."""
    return sorted(set(_find(text)), key=lambda secret: (secret.line, secret.type))


def _find(text: str) -> Iterator[Secret]:
    for start in range(0, max(1, len(text) - _OVERLAP), _STEP):
        window = text[start : start + _STEP + _OVERLAP]
        for rule in _RULES:
            for at in _places(rule, window):
                if ALLOWED not in _line_at(text, start + at):
                    yield Secret(rule.type, text.count("\n", 0, start + at) + 1)


def _places(rule: _Rule, text: str) -> Iterator[int]:
    for pattern in rule.patterns:
        for match in pattern.finditer(text):
            if not _PLACEHOLDER.search(match[0]) and any(rule.matches(match[0])):
                yield match.start()


def _line_at(text: str, place: int) -> str:
    return text[text.rfind("\n", 0, place) + 1 :].partition("\n")[0]
