"""The protocol of sync: what a device pushes, and what the server answers.

`docs` of the fields say what the protocol means by them; payloads are the device's own
(`prompt_state`), and the server reads nothing of them but ids of versions and sizes.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from promptvault.errors import OutdatedError

PROTO: Literal[1] = 1
MAX_CHAIN = 64
MAX_VAULTS = 100

Id = Annotated[UUID, Field(strict=False)]
"""An id, which JSON can only write as text."""
Seq = Annotated[int, Field(ge=0, lt=2**63)]
Payload = dict[str, Any]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Cursor(_Sent):
    """How far a device has read a vault."""

    epoch: Id | None = None
    seq: Seq = 0
    boot: Seq | None = None
    """The horizon when reading from the beginning began; null when that is over."""
    since: Seq | None = None
    """Where the pages that are under way began; null when there are no more. A prompt
    may move from a page that was to come to a later one, its versions do not."""


class VersionPush(BaseModel):
    """A version; the rest of it is the device's own (`prompt_state.VersionState`)."""

    model_config = ConfigDict(strict=True, extra="allow")

    id: Id


class _Push(_Sent):
    item: Id
    rev: Id
    resolves: list[Id] = Field(default=[], max_length=1000)
    """Sides whose text this change has absorbed."""


class _ContentPush(_Push):
    base: Id | None = None
    payload: Payload | None = None
    versions: list[VersionPush] = Field(default=[], max_length=10_000)
    """Those that the server does not know yet, oldest first."""


class HeadPush(_ContentPush):
    """A prompt as it is to be."""

    kind: Literal["head"] = "head"
    chain: list[Id] = Field(default=[], max_length=MAX_CHAIN)
    """The revisions that this one descends from, newest first."""
    deleted: bool = False


class SidePush(_ContentPush):
    """What could not be merged, kept beside the head."""

    kind: Literal["side"] = "side"


class ResolvePush(_Push):
    """Sides that are settled, their text being in the head already."""

    kind: Literal["resolve"] = "resolve"


Push = Annotated[HeadPush | SidePush | ResolvePush, Field(discriminator="kind")]


class VaultRequest(_Sent):
    """What a device has for one vault, and how far it has read it."""

    id: Id
    cursor: Cursor = Cursor()
    push: list[Push] = []


class SyncRequest(_Sent):
    """What a device asks, for all its vaults at once."""

    proto: Literal[1] = 1
    device: Id
    vaults: list[VaultRequest] = Field(max_length=MAX_VAULTS)

    @model_validator(mode="before")
    @classmethod
    def _speak_the_same_protocol(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("proto") != PROTO:
            raise OutdatedError("The program is too old or too new for this server.")
        return data

    @model_validator(mode="after")
    def _name_each_vault_once(self) -> "SyncRequest":
        if len({vault.id for vault in self.vaults}) < len(self.vaults):
            raise ValueError("a vault stands there twice")
        return self


class Place(BaseModel):
    """Where a version stands among all versions of its prompt, on every device."""

    id: UUID
    seq: int
    position: int


class Result(BaseModel):
    """What became of one push."""

    rev: UUID
    r: Literal[
        "ok", "conflict", "quota", "too_large", "forbidden", "rev_reuse", "invalid"
    ]
    seq: int | None = None
    dup: bool = False
    open: bool | None = None
    """Of a side that was known already: whether it still waits to be settled."""
    known: list[Place] = []
    """Versions of an accepted push that the server had; the others stand at the
    push's `seq`, their position being their index."""
    head: UUID | None = None
    """On conflict: the revision that came first, null where the prompt is unknown."""
    common: UUID | None = None
    """On conflict: the newest revision of the chain that the server knows."""
    missing: list[UUID] = []
    """On invalid: versions that the payload names and nobody sent."""


class By(BaseModel):
    """Who made a revision, as the token said."""

    user: UUID
    device: UUID
    name: str | None = None
    """What the user calls the device, where the server knows it."""


class VersionRead(BaseModel):
    """A version, with its place among those of its prompt."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    seq: int
    position: int


class Change(BaseModel):
    """One thing that happened in a vault."""

    seq: int
    t: Literal["item", "side", "resolved"]
    item: UUID
    rev: UUID
    deleted: bool = False
    payload: Payload | None = None
    by: By | None = None
    versions: list[VersionRead] = []


class Quota(BaseModel):
    """What the account of a vault may hold, and does; no limit is null."""

    limit: int | None
    used: int
    over: list[UUID] = []
    """Prompts that this request brought and that did not fit."""


class VaultAnswer(BaseModel):
    """What a vault has for a device."""

    id: UUID
    status: Literal["ok", "quota", "resync", "forbidden", "gone"]
    reason: Literal["epoch", "horizon"] | None = None
    results: list[Result] = []
    """A push without one was not decided: it is to be sent again."""
    feed: list[Change] = []
    cursor: Cursor | None = None
    more: bool = False
    quota: Quota | None = None
    digest: str | None = None
    """Of the live prompts, in hexadecimal; compare it when there is no more."""


class Limits(BaseModel):
    """By what a device cuts its requests."""

    items: int
    """Pushes in a request; also changes in an answer."""
    bytes: int
    """Of a body as it is sent."""
    inflated: int
    """Bytes of a body when it is not compressed."""
    payload: int
    """Bytes of one payload, or of one version."""


class SyncAnswer(BaseModel):
    """What the server answers; without `end` it is cut off."""

    proto: Literal[1]
    vaults: list[VaultAnswer]
    limits: Limits
    end: Literal[True]


class VersionsRead(BaseModel):
    """Every version of a prompt, in the order that gives them their numbers."""

    versions: list[VersionRead]
