"""The address of a server, and whether a token may be sent to it."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from promptvault.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server; a token is stored for it and sent to no other."""

    url: str
    """Scheme and host are in lower case; there is no '/' at the end."""

    @property
    def host(self) -> str:
        """The host, and the port if the URL names one, for messages."""
        return urlsplit(self.url).netloc

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self.url.startswith("https://")

    @property
    def is_local(self) -> bool:
        """Whether it is on this computer."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return name == "localhost" or name.endswith(".localhost")


def parse_address(url: str, *, insecure: bool = False) -> Address:
    """Return the address of *url*, a valid value of the setting `sync.server`.

    Raise InvalidInputError if it contains a user, a password or a query. Unless
    *insecure*, also raise it for http to another computer, where the token would not be
    encrypted.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query:
        raise InvalidInputError(
            "The server's address must contain no user, password or query."
        )
    place = f"{parts.scheme.lower()}://{parts.netloc.lower()}"
    address = Address(place + parts.path.rstrip("/"))
    if not (address.is_encrypted or address.is_local or insecure):
        raise InvalidInputError(
            f"{address.host} would get the token unencrypted: use https://, or"
            " 'login --insecure' in a network that you trust."
        )
    return address
