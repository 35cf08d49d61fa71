"""What there is to set: the name, the default and the kind of each setting."""

from dataclasses import dataclass
from enum import StrEnum

from promptvault import setting_value
from promptvault.errors import InvalidInputError


class SettingKind(StrEnum):
    """What a setting's value must be."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    SWITCH = "switch"
    """Either "true" or "false"."""
    URL = "url"
    """The address of a server; a password in it is never printed."""
    SECRET = "secret"
    """A key: never printed, and kept in the keyring."""


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One thing that can be set."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()
    kind: SettingKind = SettingKind.TEXT
    also: str = ""
    """Another environment variable that sets it, which other tools know, too."""
    least: float = 0
    """The smallest number that it can be."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PROMPTVAULT_" + self.name.upper().replace(".", "_")

    @property
    def is_secret(self) -> bool:
        """Whether its value must not be seen."""
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
    SettingKey("ai.model", "gpt-5.4-mini", "The model that is asked."),
    SettingKey(
        "ai.base_url",
        "https://api.openai.com/v1",
        "The server that is asked: any that speaks OpenAI's Chat Completions.",
        kind=SettingKind.URL,
        also="OPENAI_BASE_URL",
    ),
    SettingKey(
        "ai.api_key",
        "",
        "The key for it; 'config set' puts it into the keyring.",
        kind=SettingKind.SECRET,
        also="OPENAI_API_KEY",
    ),
    SettingKey(
        "ai.fallback_model", "", "The model that is asked when the first is down."
    ),
    SettingKey(
        "ai.fallback_base_url",
        "",
        "Its server; without it, the same as the first.",
        kind=SettingKind.URL,
    ),
    SettingKey(
        "ai.fallback_api_key",
        "",
        "The key for that server, if it is another one.",
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
        "US dollars for a million tokens sent, of a model that is in no price list.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.price_output",
        "",
        "US dollars for a million tokens of its answers.",
        kind=SettingKind.NUMBER,
    ),
    SettingKey(
        "ai.cache", "true", "Whether answers are kept.", kind=SettingKind.SWITCH
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
        "How often what failed is asked again.",
        kind=SettingKind.INTEGER,
    ),
    SettingKey(
        "ai.timeout",
        "120",
        "Seconds that a server may stay silent.",
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
        "Whether it may be reached without encryption, by http.",
        kind=SettingKind.SWITCH,
    ),
    SettingKey(
        "sync.auto",
        "false",
        "Whether every change is synced by itself, in the background.",
        kind=SettingKind.SWITCH,
    ),
)
KEYS = {key.name: key for key in _KEYS}
"""Every setting by its name."""


def find_key(name: str) -> SettingKey:
    """Return the key called *name*; raises InvalidInputError."""
    if name not in KEYS:
        known = ", ".join(KEYS)
        raise InvalidInputError(f"There is no setting {name!r}; there are {known}.")
    return KEYS[name]


def check_setting(key: SettingKey, value: str, source: str = "") -> str:
    """Return *value* as *key* has it; raises InvalidInputError, without the value.

    *source* is the option or the variable that it comes from, else the setting.
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
