"""The address of a model."""

import base64
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from promptvault.domain.hosted import Task
from promptvault.errors import InvalidInputError

OPENAI_URL = "https://api.openai.com/v1"

_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal")
_OPENAI = (".openai.com", ".azure.com")


class HostedUse(NamedTuple):
    """What requests to the model of a PromptVault server are for."""

    task: Task
    operation: str
    """An id that all requests of one command share."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server with the OpenAI Chat Completions API, and a model on it.

    Raises InvalidInputError for an invalid base URL or key.
    """

    base_url: str = field(repr=False)
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 120.0
    """Seconds that the server may send nothing."""
    hosted: HostedUse | None = None
    """Set for the model of a PromptVault server, whose key is the user's token."""

    def __post_init__(self) -> None:
        if not _is_url(self.base_url):
            raise InvalidInputError(
                "The base URL must begin with https:// or http://, and name a server."
            )
        # Otherwise the HTTP library fails with an error that quotes the key.
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise InvalidInputError("The key holds characters that no key has.")

    @property
    def host(self) -> str:
        """The host name, without user and password."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def server(self) -> str:
        """The host, and the port if the URL names one; safe for messages."""
        port = urlsplit(self.base_url).port
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{port}" if port else host

    @property
    def origin(self) -> tuple[str, str]:
        """Scheme and server; a key is valid for one origin."""
        return urlsplit(self.base_url).scheme, self.server

    @property
    def secrets(self) -> list[str]:
        """What no message may hold, even if the server repeats it."""
        password = urlsplit(self.base_url).password or ""
        pair = urlsplit(self.base_url).netloc.rpartition("@")[0]
        encoded = base64.b64encode(unquote(pair).encode()).decode() if pair else ""
        return [s for s in (self.key, password, unquote(password), encoded) if s]

    @property
    def is_local(self) -> bool:
        """Whether the server is on this computer: it needs no key and no money."""
        return self.host in _LOCAL or self.host.endswith(".localhost")

    @property
    def needs_key(self) -> bool:
        """Whether the server refuses every request without a key."""
        return self._is_openai

    @property
    def limit_name(self) -> str:
        """The parameter for the maximum tokens of an answer.

        OpenAI's newer models reject `max_tokens`, which all other servers know.
        """
        return "max_completion_tokens" if self._is_openai else "max_tokens"

    @property
    def limits_texts(self) -> bool:
        """Whether a schema may limit the length of a text.

        OpenAI refuses that, and a PromptVault server may ask OpenAI.
        """
        return not self._is_openai and self.hosted is None

    @property
    def _is_openai(self) -> bool:
        return f".{self.host}".endswith(_OPENAI)

    @property
    def public_url(self) -> str:
        """The base URL without user, password and query; safe for logs."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{self.server}{parts.path}"


def _is_url(text: str) -> bool:
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
