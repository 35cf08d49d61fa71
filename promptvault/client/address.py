"""Where a server is, and whether a token may go there."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from promptvault.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server: what a token is kept for, and where it is sent."""

    url: str
    """The scheme and the host in small letters, no '/' at the end."""

    @property
    def host(self) -> str:
        """The host, with the port where it is an unusual one: fit for messages."""
        return urlsplit(self.url).netloc

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read what is sent."""
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
    """Return the address that *url* names, which is one in a setting's form.

    Raises InvalidInputError for one that holds a password or a query, and, unless
    *insecure*, for one at which everybody on the way would read the token.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query:
        raise InvalidInputError(
            "The server's address must hold no user, password or query."
        )
    place = f"{parts.scheme.lower()}://{parts.netloc.lower()}"
    address = Address(place + parts.path.rstrip("/"))
    if not (address.is_encrypted or address.is_local or insecure):
        raise InvalidInputError(
            f"{address.host} would get the token unencrypted: use https://, or"
            " 'login --insecure' in a network where you trust everybody."
        )
    return address
