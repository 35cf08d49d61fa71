"""The payloads of sync, which the server stores and passes on to other devices."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from promptvault.domain.timestamp import from_text, to_text
from promptvault.errors import UnavailableError

_Id = Annotated[UUID, Field(strict=False)]


def _as_time(text: str) -> str:
    return to_text(from_text(text))


_Time = Annotated[str, AfterValidator(_as_time)]


class _State(BaseModel):
    # A newer program may add fields, which an older one must not lose.
    model_config = ConfigDict(strict=True, extra="allow")


class AuthorState(_State):
    """The author of a version, as git records it."""

    name: str
    email: str


class VersionState(_State):
    """A version of a prompt; times are RFC 3339 in UTC."""

    id: _Id
    body: str
    template: bool
    variables: dict[str, Any]
    message: str
    author: AuthorState
    created_at: _Time


class PromptState(_State):
    """A prompt without its versions, which are sent separately."""

    name: str
    title: str
    description: str
    tags: list[str]
    favourite: bool
    source: str
    version: _Id
    """Id of the current version."""
    labels: dict[str, _Id]
    """Label to version id."""
    created_at: _Time
    updated_at: _Time
    deleted_at: _Time | None = None
    sensitive_allowed: bool = False
    """Whether the user allowed likely secrets in it to leave the vault."""
    origins: list[dict[str, Any]] = []


def check_state(payload: object) -> dict[str, Any]:
    """Return a state from the server, validated; raise UnavailableError."""
    try:
        state = PromptState.model_validate(payload)
    except (ValidationError, OverflowError):
        raise unreadable() from None
    return state.model_dump(mode="json", exclude_unset=True)


def check_version(payload: object) -> VersionState:
    """Return a version from the server, validated; raise UnavailableError."""
    try:
        return VersionState.model_validate(payload)
    except (ValidationError, OverflowError):
        raise unreadable() from None


def unreadable() -> UnavailableError:
    """Return the error for a payload that this program cannot read."""
    return UnavailableError(
        "The server has prompts that this program cannot read: update it."
    )
