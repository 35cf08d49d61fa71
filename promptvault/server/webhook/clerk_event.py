"""The fields of Clerk's events that are used here.

The format is that of Clerk's webhooks: https://clerk.com/docs/webhooks/overview
"""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from promptvault.errors import InvalidInputError

_T = TypeVar("_T", bound=BaseModel)


class _Verification(BaseModel):
    status: str = ""


class _Address(BaseModel):
    id: str
    email_address: str
    verification: _Verification | None = None


class ClerkUser(BaseModel):
    """A user at the time of the event."""

    id: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
    updated_at: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """On Clerk's clock, in milliseconds."""
    primary_email_address_id: str | None = None
    email_addresses: list[_Address] = []

    @property
    def verified_email(self) -> str | None:
        """The primary address, if it is verified."""
        for address in self.email_addresses:
            if address.id == self.primary_email_address_id:
                status = address.verification and address.verification.status
                return address.email_address if status == "verified" else None
        return None


class ClerkEvent(BaseModel):
    """An event; *data* is a user in all events that are handled."""

    type: Annotated[str, Field(max_length=100, pattern=r"^[!-~]+$")]
    data: dict[str, Any]


def parse_clerk(model: type[_T], value: dict[str, Any]) -> _T:
    """Return *value* as an instance of *model*; raises InvalidInputError."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError("This is no event of Clerk's.") from error
