"""Where a model is reached."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"

_LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal")
_OPENAI = ("openai.com", "azure.com")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks the Chat Completions protocol, and a model on it."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 120.0
    """Seconds that the server may stay silent."""

    @property
    def host(self) -> str:
        """The server's name, without any password that stands before it."""
        return urlsplit(self.base_url).hostname or ""

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
        return self.host.endswith(_OPENAI)

    @property
    def public_url(self) -> str:
        """The base URL without user, password and query: fit for logs."""
        parts = urlsplit(self.base_url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{parts.scheme}://{host}{port}{parts.path}"
