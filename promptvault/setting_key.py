"""The settings: name, default, type and help of each."""

from dataclasses import dataclass
from enum import StrEnum

from promptvault import setting_value
from promptvault.errors import InvalidInputError


class SettingKind(StrEnum):
    """The type of a setting's value."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    SWITCH = "switch"
    """"true" or "false"."""
    URL = "url"
    """The URL of a server; a password in it is never printed."""
    SECRET = "secret"
    """A secret, never printed; it is stored in the keyring."""


@dataclass(frozen=True, slots=True)
class SettingKey:
    """The definition of a setting."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()
    kind: SettingKind = SettingKind.TEXT
    also: str = ""
    """A second environment variable, which other tools also read."""
    least: float = 0
    """The minimum of a number."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PROMPTVAULT_" + self.name.upper().replace(".", "_")

    @property
    def is_secret(self) -> bool:
        """Whether the value must never be printed."""
        return self.kind is SettingKind.SECRET


_KEYS = (
    SettingKey(
        "author.name", "", "Who makes the changes; without it, git's own user.name."
    ),
    SettingKey("author.email", "", "Their address; without it, git's own user.email."),
    SettingKey("editor", "", "The editor; without it, $VISUAL, $EDITOR, then vi."),
    SettingKey(
        "pager", "", "The pager for long output; without it, $PAGER, then less."
    ),
    SettingKey(
        "import.take",
        "first",
        "What an import takes from each conversation.",
        ("first", "all", "system"),
    ),
    SettingKey(
        "ai.provider",
        "auto",
        "Whose model to ask: 'own' is that of ai.base_url, with your own key; 'hosted'"
        " that of the server you are signed in to; 'auto' prefers your own.",
        ("auto", "own", "hosted"),
    ),
    SettingKey("ai.model", "gpt-5.4-mini", "The model to ask."),
    SettingKey(
        "ai.base_url",
        "https://api.openai.com/v1",
        "The server to ask: any with OpenAI's Chat Completions API.",
        kind=SettingKind.URL,
        also="OPENAI_BASE_URL",
    ),
    SettingKey(
        "ai.api_key",
        "",
        "The key for it; 'config set' stores it in the keyring.",
        kind=SettingKind.SECRET,
        also="OPENAI_API_KEY",
    ),
    SettingKey("ai.fallback_model", "", "The model to ask if the first one is down."),
    SettingKey(
        "ai.fallback_base_url",
        "",
        "Its server; without it, that of the first.",
        kind=SettingKind.URL,
    ),
    SettingKey(
        "ai.fallback_api_key",
        "",
        "The key for that server, if it differs.",
        kind=SettingKind.SECRET,
    ),
    SettingKey(
        "ai.budget_usd",
        "",
        "The most that models may cost in a month.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.command_budget_usd",
        "",
        "The most that models may cost in one command.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.price_input",
        "",
        "US dollars for a million tokens sent, for a model without a known price.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.price_output",
        "",
        "US dollars for a million tokens of its answers.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.cache", "true", "Whether answers are cached.", kind=SettingKind.SWITCH
    ),
    SettingKey(
        "ai.concurrency",
        "4",
        "Requests at the same time.",
        kind=SettingKind.INTEGER,
        least=1,
    ),
    SettingKey(
        "ai.requests_per_minute",
        "0",
        "The most requests a minute; 0 for any number.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.retries",
        "4",
        "How often a failed request is repeated.",
        kind=SettingKind.INTEGER,
    ),
    SettingKey(
        "ai.timeout",
        "120",
        "Seconds that a server may send nothing.",
        kind=SettingKind.NUMBER,
        least=0.001,
    ),
    SettingKey(
        "sync.server",
        "",
        "The server to sync with, which 'login --server' sets.",
        kind=SettingKind.URL,
    ),
    SettingKey(
        "sync.insecure",
        "false",
        "Whether it may be used without encryption, over http.",
        kind=SettingKind.SWITCH,
    ),
    SettingKey(
        "sync.auto",
        "false",
        "Whether every change is synced automatically, in the background.",
        kind=SettingKind.SWITCH,
    ),
)
KEYS = {key.name: key for key in _KEYS}
"""Every setting, by name."""


def find_key(name: str) -> SettingKey:
    """Return the setting *name*; raises InvalidInputError."""
    if name not in KEYS:
        known = ", ".join(KEYS)
        raise InvalidInputError(f"There is no setting {name!r}; there are {known}.")
    return KEYS[name]


def check_setting(key: SettingKey, value: str, source: str = "") -> str:
    """Return *value* in its normal form; raises InvalidInputError if it is invalid.

    *source* is the option or environment variable to name in the error message; the
    default is the setting. The message never holds the value.
    """
    name = source or key.name
    match key.kind:
        case SettingKind.SECRET:
            return setting_value.secret(name, value)
        case SettingKind.URL:
            return setting_value.url(name, value)
        case SettingKind.SWITCH:
            return setting_value.switch(name, value)
        case SettingKind.NUMBER:
            return setting_value.number(name, value, key.least)
        case SettingKind.INTEGER:
            return setting_value.integer(name, value, key.least)
    if key.choices and value not in key.choices:
        allowed = ", ".join(key.choices)
        raise InvalidInputError(f"{name} must be one of: {allowed}.")
    return value
