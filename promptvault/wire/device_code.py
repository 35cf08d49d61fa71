"""Sign-in of a device through a browser: OAuth's device flow (RFC 8628)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

CLIENT_ID = "promptvault-cli"
MANAGE_SCOPE = "team:admin"
"""The scope of a token that may manage teams. A device has to ask for it, and the user
to approve it."""
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("contains characters that cannot be printed")
    return text


# It is shown to the user who approves: no control or bidirectional characters.
_Shown = Annotated[str, Field(max_length=100), AfterValidator(_printable)]


class DeviceCodeCreate(BaseModel):
    """Requests a code; sent as a form."""

    client_id: Literal["promptvault-cli"]
    device_label: Annotated[_Shown, Field(min_length=1)]
    device_os: _Shown = ""
    scope: Annotated[str, Field(max_length=200)] = ""
    """Scopes beyond those of every device, with blanks between them. Older servers
    ignore the field, as those here ignore scopes that they do not know."""


class DeviceCodeRead(BaseModel):
    """The code that the device keeps, and the one that it shows to the user."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds to wait before each poll; 5 more after each `slow_down`."""
    scope: str = ""
    """The scopes that the user is asked for, with blanks between them; empty from an
    older server."""


class DeviceTokenCreate(BaseModel):
    """Polls for the approval of a code; sent as a form."""

    client_id: Literal["promptvault-cli"]
    grant_type: Literal["urn:ietf:params:oauth:grant-type:device_code"]
    device_code: Annotated[str, Field(max_length=200)]


class DeviceTokenRead(BaseModel):
    """A token for the device that requested it."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    """Seconds after its last use."""
    scope: str


class OAuthErrorCode(StrEnum):
    """Why there is no token; after the first two the device continues to poll."""

    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED_TOKEN = "expired_token"
    ACCESS_DENIED = "access_denied"
    INVALID_GRANT = "invalid_grant"
    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"


class OAuthErrorRead(BaseModel):
    """The body of an answer 400, as RFC 6749 defines it."""

    error: OAuthErrorCode
    error_description: str
