"""Where a model is reached."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from promptvault.errors import InvalidInputError

OPENAI_URL = "https://api.openai.com/v1"

_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal")
_OPENAI = (".openai.com", ".azure.com")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks the Chat Completions protocol, and a model on it.

    Raises InvalidInputError for a base URL or a key that cannot be one.
    """

    base_url: str = field(repr=False)
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 120.0
    """Seconds that the server may stay silent."""

    def __post_init__(self) -> None:
        if not _is_url(self.base_url):
            raise InvalidInputError(
                "The base URL must begin with https:// or http://, and name a server."
            )
        # Anything else breaks off within a library, whose error would quote it.
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise InvalidInputError("The key holds characters that no key has.")

    @property
    def host(self) -> str:
        """The server's name, without any password that stands before it."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def server(self) -> str:
        """The host, and the port where it is an unusual one: fit for messages."""
        port = urlsplit(self.base_url).port
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{port}" if port else host

    @property
    def origin(self) -> tuple[str, str]:
        """Scheme and server: what a key belongs to."""
        return urlsplit(self.base_url).scheme, self.server

    @property
    def is_local(self) -> bool:
        """Whether it is on this computer, where no key and no money is needed."""
        return self.host in _LOCAL or self.host.endswith(".localhost")

    @property
    def needs_key(self) -> bool:
        """Whether asking without a key is in vain."""
        return self._is_openai

    @property
    def limit_name(self) -> str:
        """What this server calls the limit of an answer's tokens.

        OpenAI's newer models refuse the older name, which all others know.
        """
        return "max_completion_tokens" if self._is_openai else "max_tokens"

    @property
    def _is_openai(self) -> bool:
        return f".{self.host}".endswith(_OPENAI)

    @property
    def public_url(self) -> str:
        """The base URL without user, password and query: fit for logs."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{self.server}{parts.path}"


def _is_url(text: str) -> bool:
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises what it does not like
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
