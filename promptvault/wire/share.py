"""Shares: links to single prompts, and what such a link shows."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

LONGEST_SECONDS = 366 * 24 * 3600
"""The life of a share, from when it is made or changed."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200

_Life = Annotated[int, Field(ge=60, le=LONGEST_SECONDS)]
_Views = Annotated[int, Field(ge=1, le=1_000_000)]
_Password = Annotated[
    str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)
]


class ShareMode(StrEnum):
    """Which version a share shows."""

    VERSION = "version"
    """Always the same one."""
    LABEL = "label"
    """The one that has a label now."""
    CURRENT = "current"
    """The one that is current now."""


class ShareState(StrEnum):
    """Whether a share can be read, and why not."""

    LIVE = "live"
    PAUSED = "paused"
    """The version to show holds a likely secret."""
    EXPIRED = "expired"
    USED_UP = "used_up"
    """It was viewed as often as its limit allows."""
    REVOKED = "revoked"
    ORPHANED = "orphaned"
    """The prompt is deleted, or no version has the label."""


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ShareCreate(_Sent):
    """A share to make: `POST /v1/shares`."""

    vault: UUID
    item: UUID
    mode: ShareMode
    version: UUID | None = None
    """With the mode ``version`` only."""
    label: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.-]{0,63}$")] | None = None
    """With the mode ``label`` only."""
    expires_in: _Life | None = None
    """Seconds."""
    password: _Password | None = None
    max_views: _Views | None = None
    allow_secrets: bool = False
    """Whether likely secrets in the text may be shown."""
    show_author: bool = False

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        if (self.version is not None) != (self.mode is ShareMode.VERSION):
            raise ValueError("`version` belongs to the mode `version`")
        if (self.label is not None) != (self.mode is ShareMode.LABEL):
            raise ValueError("`label` belongs to the mode `label`")
        return self


class ShareUpdate(_Sent):
    """Changes of a share: `PATCH /v1/shares/{id}`. A null removes; a field that is not
    sent stays."""

    expires_in: _Life | None = None
    password: _Password | None = None
    max_views: _Views | None = None


class ShareRead(BaseModel):
    """A share, as those see it who manage it."""

    id: UUID
    url: str
    raw_url: str
    vault: UUID
    item: UUID
    name: str
    """Of the prompt now; empty if it is deleted."""
    mode: ShareMode
    version: int | None
    """The number of the version, with the mode ``version``."""
    label: str | None
    state: ShareState
    why: str | None
    """The kinds of likely secrets for which it is paused."""
    has_password: bool
    expires_at: datetime | None
    max_views: int | None
    views: int
    """About, if there is no limit."""
    show_author: bool
    created_by: str | None
    """The address of the user; null if the user is deleted."""
    created_at: datetime
    last_view_at: datetime | None


class SharesRead(BaseModel):
    """A page of shares, the newest first."""

    items: list[ShareRead]
    next: str | None
    """Pass it as `before` to get the following page; null on the last one."""


class SharedPrompt(BaseModel):
    """What a share shows: `GET /s/{token}/json`. `promptvault import` reads it."""

    name: str
    """The last part of the prompt's name, without its folders."""
    title: str
    description: str
    tags: list[str] = []
    """Always empty: tags are not shared."""
    template: bool
    body: str
    variables: list[dict[str, Any]]
    version: int
    updated_at: str
    """When the version was made; RFC 3339 in UTC."""
    author: str | None = None
    url: str
    """The link to the share."""
