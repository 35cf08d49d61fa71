"""Teams, their members, invitations and activity: `/v1/teams`."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from promptvault.domain.revision import validate_new_label
from promptvault.domain.team import OnLeave, Role, SharesBy, validate_slug
from promptvault.errors import InvalidInputError

MAX_LINK_USES = 100
MAX_INVITATION_DAYS = 30


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @classmethod
    def made_of(cls, what: str, values: dict[str, object]) -> Self:
        """Return a request with *values*; raises InvalidInputError about *what*."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise InvalidInputError(f"{what} is not valid: {reason}.") from None


def _name(text: str) -> str:
    """Return the name of a team, which other people are shown."""
    text = text.strip()
    if not text or not text.isprintable():
        raise ValueError("is empty, or contains characters that cannot be printed")
    return text


def _slug(text: str) -> str:
    try:
        return validate_slug(text)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None


def _label(text: str) -> str:
    try:
        return validate_new_label(text)
    except InvalidInputError:
        raise ValueError("is no label") from None


TeamName = Annotated[str, Field(max_length=80), AfterValidator(_name)]
Slug = Annotated[str, Field(max_length=32), AfterValidator(_slug)]
Label = Annotated[str, Field(max_length=64), AfterValidator(_label)]
Email = Annotated[str, Field(max_length=254)]

GivenRole = Literal[Role.ADMIN, Role.EDITOR, Role.VIEWER]
"""A role that can be given. There is one owner, who hands the team over on a page."""


class TeamCreate(_Sent):
    """Makes a team; without `slug` it is made of the name."""

    name: TeamName
    slug: Slug | None = None


class TeamUpdate(_Sent):
    """Changes what is given."""

    name: TeamName | None = None
    slug: Slug | None = None
    on_leave: OnLeave | None = None
    shares_by: SharesBy | None = None


class TeamDelete(_Sent):
    """Deletes a team."""

    confirm: Annotated[str, Field(max_length=100)]
    """The short name of the team."""


class TeamRead(BaseModel):
    """A team of the user."""

    id: UUID
    slug: str
    """Its short name, the same for all members."""
    name: str
    vault: UUID
    role: str
    """Of the user."""
    owner_email: str
    members: int
    member_limit: int | None
    """Of the account that pays, for all of its teams together; null means no limit."""
    prompts: int
    on_leave: str
    shares_by: str
    frozen: str | None
    """Why members may not write."""
    protected: list[str]
    """Labels that only admins may move."""
    created_at: datetime


class TeamsRead(BaseModel):
    """Teams of the user, by their short names."""

    items: list[TeamRead]
    next: str | None = None


class MemberRead(BaseModel):
    """A member of a team."""

    user: UUID
    email: str
    role: str
    joined_at: datetime
    last_seen_at: datetime | None
    """When a device of the member was last in touch with the server."""
    is_me: bool


class MembersRead(BaseModel):
    """Members of a team, those who joined first before others."""

    items: list[MemberRead]
    next: str | None = None


class MemberUpdate(_Sent):
    """Changes the role of a member."""

    role: GivenRole


class InvitationCreate(_Sent):
    """Invites one address, or every user of the link."""

    email: Email | None = None
    link: bool = False
    role: GivenRole = Role.EDITOR
    """With a link, not `admin`."""
    days: Annotated[int, Field(ge=1, le=MAX_INVITATION_DAYS)] = 7
    uses: Annotated[int, Field(ge=1, le=MAX_LINK_USES)] = 1
    """How many people may join by a link."""

    @model_validator(mode="after")
    def _is_for_one_or_by_link(self) -> "InvitationCreate":
        if self.link == (self.email is not None):
            raise ValueError("give either email or link")
        if not self.link and self.uses != 1:
            raise ValueError("an invitation to an address can be used once")
        if self.link and self.role == Role.ADMIN:
            raise ValueError("a link cannot make an admin: invite the address")
        return self


class InvitationRead(BaseModel):
    """An invitation that can be accepted."""

    id: UUID
    email: str | None
    """Null for a link."""
    role: str
    uses: int
    max_uses: int
    invited_by: str
    """The address of the member."""
    created_at: datetime
    expires_at: datetime
    url: str | None = None
    """Only in the answer to the request that made it."""


class InvitationsRead(BaseModel):
    """Open invitations of a team, the newest first."""

    items: list[InvitationRead]
    next: str | None = None


class InvitationAccept(_Sent):
    """Accepts an invitation."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    """The last part of its URL."""


class JoinedRead(BaseModel):
    """The team that the user has joined, or was a member of."""

    team: str
    """Its short name."""
    vault: UUID
    role: str


class ActivityRead(BaseModel):
    """What a member has changed, other than the text of a prompt."""

    id: str
    at: datetime
    actor: UUID | None
    """Null if it was the operator of the server."""
    actor_email: str
    action: str
    """Such as `member.joined`. `prompt.changed` is the last change of a prompt."""
    subject: str
    """Who or what it was about: an address, a label, a prompt."""
    details: dict[str, Any]


class ActivitiesRead(BaseModel):
    """A page of the activity log, the newest first."""

    items: list[ActivityRead]
    next: str | None = None
